import type { EventType } from '../model/event-types.ts'
import { MAX_DEPTH_LEVELS } from '../model/limits.ts'
import type { Limits } from '../model/limits.ts'
import { fault } from '../model/reasons.ts'
import type { Fault } from '../model/reasons.ts'
import type { JsonObject, ParsedBody } from './body.ts'
import type { ElementScan, ObjectScan } from './scan.ts'
import type { Validator } from './validate.ts'

/** An event that passed: its bytes and what they mean. */
export interface GoodEvent {
  readonly index: number
  readonly scan: ObjectScan
  readonly value: JsonObject
  readonly type: EventType
  readonly fault: undefined
}

/** An event that did not; `value` where it could be parsed at all. */
export interface BadEvent {
  readonly index: number
  readonly scan: ElementScan
  readonly value: unknown
  /** `unknown` where the event does not say, or says nothing that exists. */
  readonly type: EventType | 'unknown'
  readonly fault: Fault
}

export interface Judge {
  readonly validator: Validator
  readonly limits: Limits
}

/** What the path says of the events of a request. */
export type Endpoint = { readonly kind: 'batch' } | { readonly kind: 'single'; readonly type: EventType }

/** Judges one event by itself: size, depth, JSON, keys, and then the contract. */
export function judgeEvent(judge: Judge, endpoint: Endpoint, body: ParsedBody, index: number): GoodEvent | BadEvent {
  const scan = body.events[index] as ElementScan
  const type = endpoint.kind === 'single' ? endpoint.type : 'unknown'
  const bad = (what: Fault, value?: unknown): BadEvent => ({
    index,
    scan,
    value,
    type: typeOf(value) ?? type,
    fault: what
  })

  const outer = judgeBytes(scan, judge.limits)
  if (outer !== undefined) return bad(outer)
  const value = parse(body.text(scan.start, scan.end))
  if (value === undefined) return bad(fault('invalid_json', '', 'the event is not valid JSON'))
  if (scan.members === undefined) return bad(fault('event_not_object'), value)
  const inner = judgeKeys(scan, value as JsonObject)
  if (inner !== undefined) return bad(inner, value)

  const event = value as JsonObject
  if (endpoint.kind === 'single') {
    const what = judge.validator.validate(event, endpoint.type, 'single')
    return what === undefined ? { index, scan, value: event, type: endpoint.type, fault: undefined } : bad(what, event)
  }
  const typeFault = judge.validator.validateType(event['type'])
  if (typeFault !== undefined) return bad(typeFault, event)
  const ownType = event['type'] as EventType
  const what = judge.validator.validate(event, ownType, 'batch')
  return what === undefined ? { index, scan, value: event, type: ownType, fault: undefined } : bad(what, event)

  function typeOf(parsed: unknown): EventType | undefined {
    if (endpoint.kind === 'single' || typeof parsed !== 'object' || parsed === null) return undefined
    const named = (parsed as JsonObject)['type']
    return judge.validator.validateType(named) === undefined ? (named as EventType) : undefined
  }
}

/** What a batch shares must pass too: it becomes part of each of its events. */
export function judgeEnvelope(judge: Judge, body: ParsedBody): Fault | undefined {
  const { value, context, integrations } = body.envelope
  if (value === undefined) return undefined
  // Level 1 is the event that they are merged into.
  if ((context?.depth ?? 0) >= MAX_DEPTH_LEVELS) return fault('too_deep', '/context')
  if ((integrations?.depth ?? 0) >= MAX_DEPTH_LEVELS) return fault('too_deep', '/integrations')
  if (hasForbiddenKey(context?.value) || hasForbiddenKey(integrations?.value)) return fault('forbidden_key')
  return judge.validator.validateEnvelope(value)
}

function judgeBytes(scan: ElementScan, limits: Limits): Fault | undefined {
  const bytes = scan.end - scan.start
  if (bytes > limits.maxEventBytes) {
    return fault('payload_too_large', '', `the event has ${bytes} bytes; the limit is ${limits.maxEventBytes}`)
  }
  if (scan.depth > MAX_DEPTH_LEVELS) {
    return fault('too_deep', '', `the event nests ${scan.depth} levels; the limit is ${MAX_DEPTH_LEVELS}`)
  }
  return undefined
}

function judgeKeys(scan: ObjectScan, value: JsonObject): Fault | undefined {
  if (scan.suspectKeys && hasForbiddenKey(value)) return fault('forbidden_key')
  // JSON.parse keeps one of two equal keys, so fewer keys than members means that one was repeated.
  if (Object.keys(value).length === scan.members.length) return undefined
  const seen = new Set<string>()
  for (const { key } of scan.members) {
    if (seen.has(key))
      return fault(
        'duplicate_key',
        '',
        `the key ${JSON.stringify(key.slice(0, 100))} occurs twice at the top level of the event`
      )
    seen.add(key)
  }
  return fault('duplicate_key')
}

/** `__proto__`, or `prototype` inside `constructor`, at any level: what would poison a consumer that merges objects. */
function hasForbiddenKey(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (!Array.isArray(value)) {
    if (Object.hasOwn(value, '__proto__')) return true
    const made = Object.hasOwn(value, 'constructor') ? (value as JsonObject)['constructor'] : undefined
    if (typeof made === 'object' && made !== null && Object.hasOwn(made, 'prototype')) return true
  }
  return Object.values(value).some(hasForbiddenKey)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
