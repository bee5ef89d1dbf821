import type { PlannedEvent } from './compiled-plan.ts'

/** An event that was parsed as a whole, for commands and tests. */
export function plannedValue(event: Readonly<Record<string, unknown>>): PlannedEvent {
  const { type } = event
  return {
    type: type as PlannedEvent['type'],
    name: () => textOf(type === 'track' ? event['event'] : event['name']),
    member: key => payload(key, event[key]) ?? SET_BY_SERVER[key],
    whole: () => ({ ...SET_BY_SERVER, ...event })
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** What the server sets if a client does not. Every event has these members. */
export const SET_BY_SERVER: Readonly<Record<string, string>> = {
  messageId: 'set-by-the-server',
  timestamp: '1970-01-01T00:00:00.000Z',
  originalTimestamp: '1970-01-01T00:00:00.000Z',
  receivedAt: '1970-01-01T00:00:00.000Z'
}

/** Members that hold objects. Null counts as absent there, and PHP writes an empty object as an empty array. */
const OBJECTS: ReadonlySet<string> = new Set(['properties', 'traits', 'context'])

/** A member as plans see it: absent if the contract treats it as absent. */
export function payload(key: string, value: unknown): unknown {
  if (!OBJECTS.has(key)) return value
  if (value === null) return undefined
  return Array.isArray(value) && value.length === 0 ? {} : value
}
