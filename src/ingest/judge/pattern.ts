import type { FieldConstraints, ConstraintsByField } from '../../contract/field-constraints.ts'
import { parseDateTimeBytes } from '../../contract/date-time.ts'
import type { EventType } from '../../model/event-types.ts'
import { isBlank, isZeroTime, mayBeBlank, mayBeZeroTime } from '../parse/absent.ts'
import type { JsonObject } from '../parse/body.ts'
import { asObject } from '../parse/body.ts'
import { KEY, KEYS } from '../parse/known-keys.ts'
import type { Scan } from '../parse/scan-result.ts'
import { KIND } from '../parse/scan-result.ts'

/** Comparison rules for a member. If all members of an event fulfil them, it is judged and written as the pattern's event. */
const ANY = 0
/** The value has the same kind and is not too long. */
const SAME_KIND = 1
/** The value fulfils SAME_KIND and is a date-time. */
const TIME = 2
/** The value has the same bytes. */
const SAME_BYTES = 3
/** The value has the same bytes, or is an object of the same shape: the same keys and kinds of values at every depth. */
const SAME_SHAPE = 4

/** What the encoder does with a member. */
export const ACTION = {
  keep: 0,
  /** The member is left out: the server sets its own value. */
  drop: 1,
  /** The member is left out if the batch has a `sentAt`, otherwise kept. */
  dropForSentAt: 2,
  context: 3,
  integrations: 4
} as const

/** Kinds whose values are equal for SAME_KIND. Numbers and booleans are missing: the contract may distinguish their values. */
const KINDS_ALONE: ReadonlySet<number> = new Set([
  KIND.stringEscaped,
  KIND.stringPlain,
  KIND.stringEmpty,
  KIND.null,
  KIND.object,
  KIND.array,
  KIND.arrayEmpty
])

/** Fields whose whole value decides how an event is written or routed, and fields of which the kind decides it. */
const WHOLE: ReadonlySet<number> = new Set([KEY.type, KEY.integrations])
const KIND_DECIDES: ReadonlySet<number> = new Set([
  ...[KEY.messageId, KEY.userId, KEY.anonymousId, KEY.groupId, KEY.previousId],
  ...[KEY.event, KEY.timestamp, KEY.originalTimestamp, KEY.sentAt]
])

export const NO_POSITION = -1

/**
 * What a valid event has in common with all events that get the same verdict and are written in the same way: the same keys
 * in the same order, the same type and integrations, a context of the same shape, and other values that differ in nothing
 * that the contract or the server checks. Such events are not validated again, and the plan for writing them is reused.
 * This saves time because clients mostly send a few kinds of events (docs/decisions/patterns.md).
 */
export class Pattern {
  readonly type: EventType
  /** The keys of the context, and the values that ipToFill() reads. */
  readonly context: unknown
  /** The value, which is the same in all events of the pattern. */
  readonly integrations: unknown
  readonly hasOwnType: boolean
  /** ACTION, by place. */
  readonly actions: number[] = []
  /** The places of these members; NO_POSITION if a member is missing or counts as missing. */
  readonly messageIdAt: number
  /** The place of the partition key: userId, otherwise anonymousId. */
  readonly keyAt: number
  readonly nameAt: number
  readonly timestampAt: number
  readonly originalTimestampAt: number
  readonly sentAtAt: number
  readonly #generation: number
  /** By place: the key's number combined with the value's kind, the value's id, and the value's shape. */
  readonly #marks: number[] = []
  readonly #ids: number[] = []
  readonly #shapes: number[] = []

  constructor(scan: Scan, type: EventType, value: JsonObject) {
    this.type = type
    this.context = contextOutline(value['context'])
    this.integrations = value['integrations']
    this.hasOwnType = value['type'] === type
    this.messageIdAt = isBlank(String(value['messageId'])) ? NO_POSITION : placeOfText(scan, KEY.messageId)
    const userIdAt = placeOfText(scan, KEY.userId)
    this.keyAt = userIdAt === NO_POSITION ? placeOfText(scan, KEY.anonymousId) : userIdAt
    this.nameAt = placeOfText(scan, KEY.event)
    this.timestampAt = placeOfTime(scan, 'timestamp', value)
    this.originalTimestampAt = placeOfTime(scan, 'originalTimestamp', value)
    this.sentAtAt = placeOfTime(scan, 'sentAt', value)
    this.#generation = scan.idGeneration
    for (let place = 0; place < scan.size; place++) {
      this.actions.push(this.#actionOf(scan, place))
      this.#marks.push(markOf(scan.numberAt(place), scan.kindAt(place)))
      this.#ids.push(scan.idAt(place))
      this.#shapes.push(scan.shapeAt(place))
    }
  }

  #actionOf(scan: Scan, place: number): number {
    switch (scan.numberAt(place)) {
      case KEY.timestamp:
      case KEY.receivedAt:
      case KEY.projectId:
      case KEY.version:
      case KEY.writeKey:
        return ACTION.drop
      case KEY.type:
        return this.hasOwnType ? ACTION.keep : ACTION.drop
      case KEY.messageId:
        return this.messageIdAt === NO_POSITION ? ACTION.drop : ACTION.keep
      case KEY.originalTimestamp:
        return this.originalTimestampAt === NO_POSITION ? ACTION.drop : ACTION.keep
      case KEY.sentAt:
        return this.sentAtAt === NO_POSITION ? ACTION.dropForSentAt : ACTION.keep
      case KEY.context:
        return ACTION.context
      case KEY.integrations:
        return ACTION.integrations
      default:
        return ACTION.keep
    }
  }

  /**
   * Whether an event matches the pattern. The event must be sound and must come from the same kind of endpoint.
   *
   * @param rules the comparison rules of the pattern's type
   */
  matches(scan: Scan, bytes: Uint8Array, rules: ComparisonRules): boolean {
    const { size } = scan
    if (size !== this.#marks.length || scan.suspectKeys || this.#generation !== scan.idGeneration) return false
    for (let place = 0; place < size; place++) {
      const number = scan.numberAt(place)
      const mark = this.#marks[place] as number
      if (number < 0 || number !== numberOf(mark)) return false
      const rule = rules.of[number] as number
      if (rule === ANY) continue
      if (rule >= SAME_BYTES) {
        if (!isKnown(scan.idAt(place), this.#ids[place])) {
          if (rule === SAME_BYTES || !isKnown(scan.shapeAt(place), this.#shapes[place])) return false
        }
        continue
      }
      const kind = scan.kindAt(place)
      if (markOf(number, kind) !== mark || !KINDS_ALONE.has(kind)) return false
      const [start, end] = [scan.valueStartAt(place) + 1, scan.valueEndAt(place) - 1]
      if (end - start > (rules.maxBytes[number] as number) && isString(kind)) return false
      if (isString(kind) && mayCountAsNone(number, kind, bytes, start)) return false
      if (rule === TIME && isString(kind) && Number.isNaN(parseDateTimeBytes(bytes, start, end))) return false
    }
    return true
  }
}

/** How the members of events of a type are compared, by the number of the key. */
export interface ComparisonRules {
  readonly of: readonly number[]
  /** The most bytes of a string that is compared by its kind only. */
  readonly maxBytes: readonly number[]
}

export type ComparisonRulesByType = Readonly<Partial<Record<EventType, ComparisonRules>>>

/** The comparison rules of a type; undefined if the contract checks fields that it does not name. */
export function comparisonRulesOf(constraints: ConstraintsByField | undefined): ComparisonRules | undefined {
  if (constraints === undefined) return undefined
  const of = KEYS.map((key, number) => ruleOf(number, constraints.get(key)))
  // The contract's limit is in characters. A string has at least as many bytes, so the limit in bytes is stricter.
  return { of, maxBytes: KEYS.map(key => constraints.get(key)?.maxLength ?? Infinity) }
}

function ruleOf(number: number, constraints: FieldConstraints | undefined): number {
  if (WHOLE.has(number) || constraints?.inside === 'all' || constraints?.text === 'whole') return SAME_BYTES
  if (number === KEY.context || constraints?.inside === 'kinds') return SAME_SHAPE
  if (constraints?.text === 'time') return TIME
  return constraints !== undefined || KIND_DECIDES.has(number) ? SAME_KIND : ANY
}

/** The keys of a context with only the values that ipToFill() reads, to save memory. */
function contextOutline(context: unknown): unknown {
  const object = asObject(context)
  if (object === undefined) return context
  const outline = Object.fromEntries(Object.keys(object).map((key): [string, unknown] => [key, null]))
  const { ip, direct, library } = object
  if (ip !== undefined && ip !== null) outline['ip'] = ''
  if (direct === true) outline['direct'] = true
  if (library !== undefined) outline['library'] = { name: asObject(library)?.['name'] }
  return outline
}

/** Whether an id or a shape equals the known one; 0 means that there is none. */
function isKnown(one: number, known: number | undefined): boolean {
  return one !== 0 && one === known
}

/** Above the largest KIND. */
const KIND_ROOM = 16

function markOf(number: number, kind: number): number {
  return number * KIND_ROOM + kind
}

function numberOf(mark: number): number {
  return Math.floor(mark / KIND_ROOM)
}

function isString(kind: number): boolean {
  return kind === KIND.stringPlain || kind === KIND.stringEmpty || kind === KIND.stringEscaped
}

/** Whether the value is a string of at least one character; an escape is at least one. */
function isText(kind: number): boolean {
  return kind === KIND.stringPlain || kind === KIND.stringEscaped
}

/** The place of a non-empty string; NO_POSITION if the value is missing, empty or no string. */
function placeOfText(scan: Scan, number: number): number {
  const place = scan.find(number)
  return place >= 0 && isText(scan.kindAt(place)) ? place : NO_POSITION
}

/** The place of a time; NO_POSITION if the value is missing, null, or a zero time. */
function placeOfTime(scan: Scan, key: 'timestamp' | 'originalTimestamp' | 'sentAt', value: JsonObject): number {
  const place = scan.find(KEY[key])
  return place >= 0 && scan.kindAt(place) !== KIND.null && !isZeroTime(value[key]) ? place : NO_POSITION
}

/** Whether a value may count as missing. Such an event is judged separately, because a missing value is written differently. */
function mayCountAsNone(number: number, kind: number, bytes: Uint8Array, start: number): boolean {
  switch (number) {
    case KEY.messageId:
      return kind === KIND.stringEscaped || mayBeBlank(bytes[start])
    case KEY.timestamp:
    case KEY.originalTimestamp:
    case KEY.sentAt:
      return kind === KIND.stringEscaped || mayBeZeroTime(bytes, start)
    default:
      return false
  }
}
