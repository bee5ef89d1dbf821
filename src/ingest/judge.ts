import type { EventType } from '../model/event-types.ts'
import { isEventType } from '../model/event-types.ts'
import { MAX_DEPTH_LEVELS } from '../model/limits.ts'
import type { Limits } from '../model/limits.ts'
import { fault } from '../model/reasons.ts'
import type { Fault } from '../model/reasons.ts'
import type { JsonObject, ParsedBody } from './body.ts'
import { readEnvelope, readEvent } from './read-event.ts'
import { repeatedKey } from './repeated-key.ts'
import type { ElementScan, ObjectScan } from './scan-result.ts'
import type { Validator } from './validate.ts'

/** An event that passed: its bytes, and what readEvent makes of them. */
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
  const given = endpoint.kind === 'single' ? endpoint.type : undefined
  const untyped = { index, scan, value: undefined, type: given ?? 'unknown' } as const
  const outer = judgeBytes(scan, judge.limits)
  if (outer !== undefined) return { ...untyped, fault: outer }
  if (!scan.sound) return { ...untyped, fault: fault('invalid_json', '', 'the event is not valid JSON') }
  if (scan.members === undefined) {
    return { ...untyped, value: JSON.parse(body.text(scan.start, scan.end)), fault: fault('event_not_object') }
  }
  const type = given ?? typeOf(scan, body)
  const value = readEvent(scan, body, type === undefined ? undefined : judge.validator.regards[type])
  if (type === undefined) {
    return { index, scan, value, type: 'unknown', fault: judgeKeys(scan, value) ?? fault('type_invalid', '/type') }
  }
  const what = judgeKeys(scan, value) ?? judge.validator.validate(value, type, endpoint.kind)
  if (what !== undefined) return { index, scan, value, type, fault: what }
  return { index, scan, value, type, fault: undefined }
}

/** The event's own type; undefined where it names none that exists. */
function typeOf(scan: ObjectScan, { text }: ParsedBody): EventType | undefined {
  const member = scan.members.findLast(({ key }) => key === 'type')
  if (member === undefined) return undefined
  const { valueStart, valueEnd, plain } = member
  const named: unknown = plain ? text(valueStart + 1, valueEnd - 1) : JSON.parse(text(valueStart, valueEnd))
  return isEventType(named) ? named : undefined
}

/** What a batch shares must pass too: it becomes part of each of its events. */
export function judgeEnvelope(judge: Judge, body: ParsedBody): Fault | undefined {
  const { scan, context, integrations } = body.envelope
  if (scan === undefined) return undefined
  for (const shared of [context, integrations]) {
    if (shared?.fault !== undefined) return shared.fault
    if (shared?.scan.suspectKeys === true && hasForbiddenKey(shared.value)) return fault('forbidden_key')
  }
  const { validator } = judge
  return validator.validateEnvelope(readEnvelope(scan, body, validator.envelopeRegards))
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
  const repeated = repeatedKey(scan.members)
  if (repeated === undefined) return undefined
  const shown = JSON.stringify(repeated.slice(0, 100))
  return fault('duplicate_key', '', `the key ${shown} occurs twice at the top level of the event`)
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
