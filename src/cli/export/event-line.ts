import type { JsonObject } from '../../ingest/parse/body.ts'
import { asObject } from '../../ingest/parse/body.ts'
import { outlineOf } from '../../ingest/parse/outline.ts'
import { toInstant } from '../../ingest/parse/time.ts'
import { isEventType } from '../../model/event-types.ts'

/** One event in the form in which the log or Kafka stores it. */
export interface EventLine {
  /** Without its line feed. */
  readonly bytes: Buffer
  readonly value: JsonObject
  /** Milliseconds since the epoch. */
  readonly receivedAt: number
  /** The text of each member by its key: a parsed number is not always the number that was sent. */
  readonly spelled: ReadonlyMap<string, string>
}

/** Undefined for a line that is not an event of this server. */
export function eventLineOf(bytes: Buffer): EventLine | undefined {
  const value = parse(bytes)
  if (value === undefined || value['version'] === undefined || !isEventType(value['type'])) return undefined
  const receivedAt = toInstant(value['receivedAt'])
  const isWhole = typeof value['messageId'] === 'string' && typeof value['projectId'] === 'string'
  return isWhole && !Number.isNaN(receivedAt) ? { bytes, value, receivedAt, spelled: spelledMembers(bytes) } : undefined
}

/** The members of a JSON object, from its bytes. If a key occurs twice, the last one counts, as in JSON.parse. */
export function spelledMembers(bytes: Buffer): Map<string, string> {
  const members = outlineOf(bytes, 0)?.members ?? []
  return new Map(members.map(({ key, value: { start, end } }) => [key, bytes.toString('utf8', start, end)]))
}

function parse(bytes: Buffer): JsonObject | undefined {
  try {
    return asObject(JSON.parse(bytes.toString()))
  } catch {
    return undefined
  }
}
