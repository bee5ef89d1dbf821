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
import { PatternBook } from './pattern-book.ts'
import type { Validator } from './validate.ts'

/** An event that did not pass; `value` where it could be parsed at all. */
export interface BadEvent {
  readonly index: number
  readonly scan: Scan
  readonly value: unknown
  /** `unknown` where the event does not say, or says nothing that exists. */
  readonly type: EventType | 'unknown'
  readonly fault: Fault
  /** It passed, and a rule holds it back: its outcome is `filtered`. */
  readonly isBlocked?: boolean
  /** Set where its payload must not be kept: its bytes as they came, to tell whether it was sent before. */
  readonly withheld?: Buffer
}

/** What the path says of the events of a request. */
export type Endpoint = { readonly kind: 'batch' } | { readonly kind: 'single'; readonly type: EventType }

type PatternBooks = Readonly<Record<EventType | 'batch', PatternBook>>

export interface Judge {
  readonly validator: Validator
  readonly limits: Limits
  /** Empty where events are not compared: then no pattern is learned. */
  readonly rules: ComparisonRulesByType
  /** What has passed lately. */
  readonly patterns: PatternBooks
  /** What rules have made of events: such patterns tell how an event is written, not that it keeps to the contract. */
  readonly rewritten: PatternBooks
}

export interface JudgeOptions extends Pick<Judge, 'validator' | 'limits'> {
  /** False: each event is judged by itself, with the same verdict. Default: true. */
  readonly usePatterns?: boolean
}

export function createJudge({ validator, limits, usePatterns = true }: JudgeOptions): Judge {
  const compared = usePatterns ? EVENT_TYPES : []
  const rules = compared.map(type => [type, comparisonRulesOf(validator.constraints[type])])
  return {
    validator,
    limits,
    rules: Object.fromEntries(rules) as ComparisonRulesByType,
    patterns: emptyBooks(),
    rewritten: emptyBooks()
  }
}

function emptyBooks(): PatternBooks {
  return Object.fromEntries([...EVENT_TYPES, 'batch'].map(way => [way, new PatternBook()])) as PatternBooks
}

/** Judges one event by itself: size, depth, JSON, keys, and then the contract. */
export function judgeEvent(judge: Judge, endpoint: Endpoint, body: ParsedBody, index: number): GoodEvent | BadEvent {
  const scan = body.events[index] as Scan
  const given = endpoint.kind === 'single' ? endpoint.type : undefined
  const outer = judgeBytes(scan, judge.limits)
  if (outer !== undefined) return { index, scan, value: undefined, type: given ?? 'unknown', fault: outer }
  if (body.brokenTexts?.has(index) === true) {
    const what = fault('invalid_utf8', '', 'the event is not valid UTF-8')
    return { index, scan, value: undefined, type: given ?? 'unknown', fault: what }
  }
  const book = judge.patterns[given ?? 'batch']
  const pattern = scan.sound && scan.isObject ? book.find(scan, body.bytes, judge.rules) : undefined
  if (pattern !== undefined) return new GoodEvent(scan, body, pattern)
  const type = given ?? (scan.isObject && scan.sound ? typeOf(scan, body) : undefined)
  const { value, what } = lookInto(judge, { scan, body, type })
  if (what !== undefined || type === undefined) {
    return { index, scan, value, type: type ?? 'unknown', fault: what ?? fault('type_invalid', '/type') }
  }
  const learned = new Pattern(scan, type, value as JsonObject)
  const rules = judge.rules[type]
  // One that does not fit the event that it comes from will fit no other.
  if (rules !== undefined && learned.matches(scan, body.bytes, rules)) book.add(learned)
  return new GoodEvent(scan, body, learned)
}

/** What readEvent makes of an event that is no known pattern's, and the first thing that is wrong with it. */
function lookInto(
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

/** The event's own type; undefined where it names none that exists. */
function typeOf(scan: Scan, { text }: ParsedBody): EventType | undefined {
  let place = scan.size - 1
  while (place >= 0 && scan.numberAt(place) !== KEY.type) place--
  if (place < 0) return undefined
  const [start, end] = [scan.valueStartAt(place), scan.valueEndAt(place)]
  const named: unknown = scan.isPlainAt(place) ? text(start + 1, end - 1) : JSON.parse(text(start, end))
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
