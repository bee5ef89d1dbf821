import { subMillisDigits, toInstant } from '../../ingest/parse/time.ts'
import { decimalOf } from './decimal.ts'
import { spelledMembers } from './event-line.ts'
import type { EventLine } from './event-line.ts'

/** Null if the event has no such value. Times are microseconds since the epoch, decimals multiples of 10^-scale. */
export type Cell = string | bigint | boolean | null

export type ColumnType =
  | { readonly kind: 'text' | 'time' | 'boolean' }
  | { readonly kind: 'decimal'; readonly scale: number }

export interface Column {
  readonly name: string
  readonly type: ColumnType
  /** Undefined if the event has a value that does not fit the type. */
  cell(event: EventLine): Cell | undefined
}

/** The rows of one file. */
export interface TablePart {
  readonly columns: readonly Column[]
  /** For each column, one cell for each row. */
  readonly cells: readonly (readonly Cell[])[]
  /** The events in the form in which they were stored, without line feeds. */
  readonly lines: readonly Buffer[]
}

/** Members with a text column of their own, by the name of the column. */
const TEXTS = {
  message_id: 'messageId',
  type: 'type',
  event: 'event',
  name: 'name',
  category: 'category',
  user_id: 'userId',
  anonymous_id: 'anonymousId',
  group_id: 'groupId',
  previous_id: 'previousId',
  source: 'projectId',
  original_timestamp: 'originalTimestamp',
  sent_at: 'sentAt'
} as const
const TIMES = { received_at: 'receivedAt', timestamp: 'timestamp' } as const
/** Columns with JSON text, with every byte that was sent. */
const JSON_TEXTS = ['properties', 'traits', 'context', 'integrations'] as const

const NAMED: ReadonlySet<string> = new Set([...Object.values(TEXTS), ...Object.values(TIMES), ...JSON_TEXTS, 'version'])

/** The columns of every table. `other` has all members without a column, as one JSON object. */
export const COMMON_COLUMNS: readonly Column[] = [
  ...Object.entries(TEXTS).map(([name, key]): Column => {
    return { name, type: { kind: 'text' }, cell: event => plainText(event.spelled.get(key)) }
  }),
  ...Object.entries(TIMES).map(([name, key]): Column => {
    return { name, type: { kind: 'time' }, cell: event => microseconds(event.value[key]) }
  }),
  ...JSON_TEXTS.map((name): Column => {
    return { name, type: { kind: 'text' }, cell: event => event.spelled.get(name) ?? null }
  }),
  { name: 'other', type: { kind: 'text' }, cell: otherMembers }
]

/**
 * A string without its quotes; any other value as it was sent. NUL and half of a surrogate pair stop readers, so a
 * string with one of them keeps its escapes.
 */
function plainText(spelled: string | undefined): string | null {
  if (spelled === undefined || spelled === 'null') return null
  if (!spelled.startsWith('"')) return spelled
  const text = JSON.parse(spelled) as string
  return text.isWellFormed() && !text.includes('\0') ? text : spelled.slice(1, -1)
}

function otherMembers({ spelled }: EventLine): string | null {
  const others = [...spelled].filter(([key]) => !NAMED.has(key))
  return others.length === 0 ? null : `{${others.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join()}}`
}

/** The microseconds of an RFC 3339 date-time, without smaller digits; null for anything else. */
function microseconds(value: unknown): bigint | null {
  const instant = toInstant(value)
  if (Number.isNaN(instant)) return null
  const bytes = Buffer.from(value as string)
  const { from, to } = subMillisDigits(bytes, 0, bytes.length)
  const finer = bytes.toString('latin1', from, Math.min(to, from + 3))
  return BigInt(instant) * 1_000n + BigInt(finer.padEnd(3, '0'))
}

/** A property that a plan describes: a column beside the JSON text, which contains the property too. */
export interface PlannedProperty {
  readonly payload: 'properties' | 'traits'
  readonly key: string
  readonly type: 'integer' | 'number' | 'boolean' | 'text'
}

/**
 * 20 digits before the decimal point and 18 after it: enough for 12345678901234567890, and for every double between 0.1
 * and 1 as programs print it.
 */
const NUMBER_SCALE = 18
const COLUMN_TYPES: Readonly<Record<PlannedProperty['type'], ColumnType>> = {
  integer: { kind: 'decimal', scale: 0 },
  number: { kind: 'decimal', scale: NUMBER_SCALE },
  boolean: { kind: 'boolean' },
  text: { kind: 'text' }
}

/** @param name the name of the column, unique in its table */
export function plannedColumn(name: string, { payload, key, type: planned }: PlannedProperty): Column {
  const type = COLUMN_TYPES[planned]
  return {
    name,
    type,
    cell(event) {
      const spelled = membersOf(event, payload).get(key)
      if (spelled === undefined || spelled === 'null') return null
      if (type.kind === 'boolean') return spelled === 'true' || (spelled === 'false' ? false : undefined)
      return type.kind === 'decimal' ? decimalOf(spelled, type.scale) : plainText(spelled)
    }
  }
}

/** The payloads of the last event only, because a table asks for many properties of one event. */
let last: { readonly event: EventLine; readonly payloads: Map<string, Map<string, string>> } | undefined

function membersOf(event: EventLine, payload: PlannedProperty['payload']): Map<string, string> {
  if (last?.event !== event) last = { event, payloads: new Map() }
  const known = last.payloads.get(payload)
  if (known !== undefined) return known
  const members = spelledMembers(Buffer.from(event.spelled.get(payload) ?? ''))
  last.payloads.set(payload, members)
  return members
}
