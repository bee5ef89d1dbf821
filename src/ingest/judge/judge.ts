import type { EventType } from '../../model/event-types.ts'
import { EVENT_TYPES, isEventType } from '../../model/event-types.ts'
import { MAX_DEPTH_LEVELS, setterOf } from '../../model/limits.ts'
import type { Limits } from '../../model/limits.ts'
import { fault } from '../../model/reasons.ts'
import type { Fault } from '../../model/reasons.ts'
import type { JsonObject, ParsedBody } from '../parse/body.ts'
import { readEnvelope, readEvent } from './read-event.ts'
import { repeatedKey } from '../parse/repeated-key.ts'
import type { Scan } from '../parse/scan-result.ts'
import { GoodEvent } from './good-event.ts'
import { KEY } from '../parse/known-keys.ts'
import type { ComparisonRulesByType } from './pattern.ts'
import { comparisonRulesOf, Pattern } from './pattern.ts'
import { PatternCache } from './pattern-cache.ts'
import type { Validator } from './validate.ts'

/** A refused event; `value` is undefined if the event could not be parsed. */
export interface BadEvent {
  readonly index: number
  readonly scan: Scan
  readonly value: unknown
  /** `unknown` if the event has no valid type. */
  readonly type: EventType | 'unknown'
  readonly fault: Fault
  /** True if the event is valid but a rule blocks it: its outcome is `filtered`. */
  readonly isBlocked?: boolean
  /** Set if the payload must not be kept: the original bytes, only to recognise a repeated event. */
  readonly withheld?: Buffer
}

/** The kind of endpoint, by the request's path. The path of a single call gives the type of its event. */
export type Endpoint = { readonly kind: 'batch' } | { readonly kind: 'single'; readonly type: EventType }

type PatternCaches = Readonly<Record<EventType | 'batch', PatternCache>>

export interface Judge {
  readonly validator: Validator
  readonly limits: Limits
  /** Empty if events are not compared: then no pattern is learned. */
  readonly rules: ComparisonRulesByType
  /** The patterns of recent valid events. */
  readonly patterns: PatternCaches
  /** The patterns of events that rules changed. They say how an event is written, not that the event is valid. */
  readonly rewritten: PatternCaches
}

export interface JudgeOptions extends Pick<Judge, 'validator' | 'limits'> {
  /** False: each event is validated separately, with the same verdict. Default: true. */
  readonly usePatterns?: boolean
}

/** Creates the judge of a process, with empty pattern caches. */
export function createJudge({ validator, limits, usePatterns = true }: JudgeOptions): Judge {
  const compared = usePatterns ? EVENT_TYPES : []
  const rules = compared.map(type => [type, comparisonRulesOf(validator.constraints[type])])
  return {
    validator,
    limits,
    rules: Object.fromEntries(rules) as ComparisonRulesByType,
    patterns: emptyCaches(),
    rewritten: emptyCaches()
  }
}

function emptyCaches(): PatternCaches {
  return Object.fromEntries([...EVENT_TYPES, 'batch'].map(way => [way, new PatternCache()])) as PatternCaches
}

/** Judges one event, independently of its batch: size, depth, encoding, JSON, keys, and then the contract. */
export function judgeEvent(judge: Judge, endpoint: Endpoint, body: ParsedBody, index: number): GoodEvent | BadEvent {
  const scan = body.events[index] as Scan
  const given = endpoint.kind === 'single' ? endpoint.type : undefined
  const outer = judgeBytes(scan, judge.limits)
  if (outer !== undefined) return { index, scan, value: undefined, type: given ?? 'unknown', fault: outer }
  if (body.brokenTexts?.has(index) === true) {
    const what = fault('invalid_utf8', '', 'the event is not valid UTF-8')
    return { index, scan, value: undefined, type: given ?? 'unknown', fault: what }
  }
  const cache = judge.patterns[given ?? 'batch']
  const pattern = scan.sound && scan.isObject ? cache.find(scan, body.bytes, judge.rules) : undefined
  if (pattern !== undefined) return new GoodEvent(scan, body, pattern)
  const type = given ?? (scan.isObject && scan.sound ? typeOf(scan, body) : undefined)
  const { value, what } = parseAndValidate(judge, { scan, body, type })
  if (what !== undefined || type === undefined) {
    return { index, scan, value, type: type ?? 'unknown', fault: what ?? fault('type_invalid', '/type') }
  }
  const learned = new Pattern(scan, type, value as JsonObject)
  const rules = judge.rules[type]
  // A pattern that does not match its own event matches no other event.
  if (rules !== undefined && learned.matches(scan, body.bytes, rules)) cache.add(learned)
  return new GoodEvent(scan, body, learned)
}

/** Parses an event that matches no known pattern, and returns its first fault. */
function parseAndValidate(
  judge: Judge,
  event: { scan: Scan; body: ParsedBody; type: EventType | undefined }
): { value: unknown; what: Fault | undefined } {
  const { scan, body, type } = event
  const { validator } = judge
  if (!scan.sound) return { value: undefined, what: fault('invalid_json', '', 'the event is not valid JSON') }
  if (!scan.isObject) return { value: JSON.parse(body.text(scan.start, scan.end)), what: fault('event_not_object') }
  const value = readEvent(scan, body, type === undefined ? undefined : validator.constraints[type])
  const what = judgeKeys(scan, value)
  return { value, what: what ?? (type === undefined ? undefined : validator.validate(value, type)) }
}

/** The type that the event names; undefined if it names none or an unknown type. */
function typeOf(scan: Scan, { text }: ParsedBody): EventType | undefined {
  let place = scan.size - 1
  while (place >= 0 && scan.numberAt(place) !== KEY.type) place--
  if (place < 0) return undefined
  const [start, end] = [scan.valueStartAt(place), scan.valueEndAt(place)]
  const named: unknown = scan.isPlainAt(place) ? text(start + 1, end - 1) : JSON.parse(text(start, end))
  return isEventType(named) ? named : undefined
}

/** Validates the shared members of a batch, because they become part of each event. Undefined if they are valid. */
export function judgeEnvelope(judge: Judge, body: ParsedBody): Fault | undefined {
  const { scan, context, integrations } = body.envelope
  if (scan === undefined) return undefined
  for (const shared of [context, integrations]) {
    if (shared?.fault !== undefined) return shared.fault
    if (shared?.scan.suspectKeys === true && hasForbiddenKey(shared.value)) return fault('forbidden_key')
  }
  const { validator } = judge
  return validator.validateEnvelope(readEnvelope(scan, body, validator.envelopeConstraints))
}

function judgeBytes(scan: Scan, limits: Limits): Fault | undefined {
  const bytes = scan.end - scan.start
  if (bytes > limits.maxEventBytes) {
    return fault(
      'payload_too_large',
      '',
      `the event has ${bytes} bytes; the limit is ${limits.maxEventBytes} (${setterOf(limits, 'maxEventBytes')})`
    )
  }
  if (scan.depth > MAX_DEPTH_LEVELS) {
    return fault('too_deep', '', `the event nests ${scan.depth} levels; the limit is ${MAX_DEPTH_LEVELS}`)
  }
  return undefined
}

function judgeKeys(scan: Scan, value: JsonObject): Fault | undefined {
  if (scan.suspectKeys && hasForbiddenKey(value)) return fault('forbidden_key')
  const repeated = repeatedKey(scan)
  if (repeated === undefined) return undefined
  const shown = JSON.stringify(repeated.slice(0, 100))
  return fault('duplicate_key', '', `the key ${shown} occurs twice at the top level of the event`)
}

/** Whether there is `__proto__`, or `prototype` inside `constructor`, at any level: prototype pollution for a consumer. */
function hasForbiddenKey(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (!Array.isArray(value)) {
    if (Object.hasOwn(value, '__proto__')) return true
    const made = Object.hasOwn(value, 'constructor') ? (value as JsonObject)['constructor'] : undefined
    if (typeof made === 'object' && made !== null && Object.hasOwn(made, 'prototype')) return true
  }
  return Object.values(value).some(hasForbiddenKey)
}
