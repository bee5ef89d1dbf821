import type { FieldConstraints, ConstraintsByField } from '../../contract/field-constraints.ts'
import { parseDateTimeBytes } from '../../contract/date-time.ts'
import type { EventType } from '../../model/event-types.ts'
import { isBlank, isZeroTime, mayBeBlank, mayBeZeroTime } from '../parse/absent.ts'
import type { JsonObject } from '../parse/body.ts'
import { asObject } from '../parse/body.ts'
import { KEY, KEYS } from '../parse/known-keys.ts'
import type { Scan } from '../parse/scan-result.ts'
import { KIND } from '../parse/scan-result.ts'

/** What must be so of a member, that another event is judged and written in the same way. */
const ANY = 0
/** The value is of the same kind, and no longer than it may be. */
const SAME_KIND = 1
/** The same, and a date-time. */
const TIME = 2
/** The value is the same, byte for byte... */
const SAME_BYTES = 3
/** ...or else an object of the same shape: the same keys, and values of the same kinds, all the way down. */
const SAME_SHAPE = 4

/** What becomes of a member where its event is written. */
export const ACTION = {
  keep: 0,
  /** One that we set ourselves stands in its place. */
  drop: 1,
  /** Dropped where the batch has a `sentAt`, kept elsewhere. */
  dropForSentAt: 2,
  context: 3,
  integrations: 4
} as const

/** Kinds that are the same to a contract that looks at kinds only: it tells numbers and booleans apart. */
const KINDS_ALONE: ReadonlySet<number> = new Set([
  KIND.stringEscaped,
  KIND.stringPlain,
  KIND.stringEmpty,
  KIND.null,
  KIND.object,
  KIND.array,
  KIND.arrayEmpty
])

/** Of these more than their kind decides how an event is written or where it goes. */
const WHOLE: ReadonlySet<number> = new Set([KEY.type, KEY.integrations])
const KIND_DECIDES: ReadonlySet<number> = new Set([
  ...[KEY.messageId, KEY.userId, KEY.anonymousId, KEY.groupId, KEY.previousId],
  ...[KEY.event, KEY.timestamp, KEY.originalTimestamp, KEY.sentAt]
])

export const NOWHERE = -1

/**
 * What an event that was judged and found good has in common with all others that nobody could tell apart by what
 * counts of them: the same keys in the same order, the same type and integrations, a context of the same shape, and other
 * values that differ in nothing that the contract or we look at. Such events need not be judged again, nor is it worked out
 * again how they are written: a batch mostly holds a few kinds of events, and so does what clients send all day.
 */
export class Pattern {
  readonly type: EventType
  /** The same keys as in all of them, and of the values what decides about `ip`. */
  readonly context: unknown
  /** The same in all of them. */
  readonly integrations: unknown
  readonly hasOwnType: boolean
  /** By place. */
  readonly actions: number[] = []
  /** Where these stand, where they are what they should be; NOWHERE elsewhere. */
  readonly messageIdAt: number
  /** What Kafka partitions by: userId, else anonymousId. */
  readonly keyAt: number
  readonly nameAt: number
  readonly timestampAt: number
  readonly originalTimestampAt: number
  readonly sentAtAt: number
  readonly #generation: number
  /** By place: the key's number and the value's kind in one, and the value's id and shape. */
  readonly #marks: number[] = []
  readonly #ids: number[] = []
  readonly #shapes: number[] = []

  constructor(scan: Scan, type: EventType, value: JsonObject) {
    this.type = type
    this.context = contextOutline(value['context'])
    this.integrations = value['integrations']
    this.hasOwnType = value['type'] === type
    this.messageIdAt = isBlank(String(value['messageId'])) ? NOWHERE : placeOfText(scan, KEY.messageId)
    const userIdAt = placeOfText(scan, KEY.userId)
    this.keyAt = userIdAt === NOWHERE ? placeOfText(scan, KEY.anonymousId) : userIdAt
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
        return this.messageIdAt === NOWHERE ? ACTION.drop : ACTION.keep
      case KEY.originalTimestamp:
        return this.originalTimestampAt === NOWHERE ? ACTION.drop : ACTION.keep
      case KEY.sentAt:
        return this.sentAtAt === NOWHERE ? ACTION.dropForSentAt : ACTION.keep
      case KEY.context:
        return ACTION.context
      case KEY.integrations:
        return ACTION.integrations
      default:
        return ACTION.keep
    }
  }

  /**
   * Whether an event, that came in the same way and is sound, is one of these.
   *
   * @param rules what the contract looks at, by number of a key
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

/** What is looked at in events of a type, by number of a key. */
export interface ComparisonRules {
  readonly of: readonly number[]
  /** So many bytes a string has at most, that is not looked at more closely. */
  readonly maxBytes: readonly number[]
}

export type ComparisonRulesByType = Readonly<Partial<Record<EventType, ComparisonRules>>>

/** Undefined where the contract looks at fields that it does not name. */
export function comparisonRulesOf(constraints: ConstraintsByField | undefined): ComparisonRules | undefined {
  if (constraints === undefined) return undefined
  const of = KEYS.map((key, number) => ruleOf(number, constraints.get(key)))
  // A string has as many bytes as characters, or more.
  return { of, maxBytes: KEYS.map(key => constraints.get(key)?.maxLength ?? Infinity) }
}

function ruleOf(number: number, constraints: FieldConstraints | undefined): number {
  if (WHOLE.has(number) || constraints?.inside === 'all' || constraints?.text === 'whole') return SAME_BYTES
  if (number === KEY.context || constraints?.inside === 'kinds') return SAME_SHAPE
  if (constraints?.text === 'time') return TIME
  return constraints !== undefined || KIND_DECIDES.has(number) ? SAME_KIND : ANY
}

/** A context without what only takes memory: of its values ipToFill() looks at few. */
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

/** Whether an id or a shape is the one that is known; 0 is none. */
function isKnown(one: number, known: number | undefined): boolean {
  return one !== 0 && one === known
}

/** Kinds are few. */
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

/** Of one character at least: an escape is never nothing. */
function isText(kind: number): boolean {
  return kind === KIND.stringPlain || kind === KIND.stringEscaped
}

/** Where the text with that key stands; NOWHERE where it is none, or empty. */
function placeOfText(scan: Scan, number: number): number {
  const place = scan.find(number)
  return place >= 0 && isText(scan.kindAt(place)) ? place : NOWHERE
}

/** Where the value with that key stands; NOWHERE where it is null, or a time that was never set. */
function placeOfTime(scan: Scan, key: 'timestamp' | 'originalTimestamp' | 'sentAt', value: JsonObject): number {
  const place = scan.find(KEY[key])
  return place >= 0 && scan.kindAt(place) !== KIND.null && !isZeroTime(value[key]) ? place : NOWHERE
}

/** Such an event is looked at by itself: what counts as none is written otherwise than what is like it. */
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
