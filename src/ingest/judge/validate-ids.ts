import type { EventType } from '../../model/event-types.ts'
import type { Fault } from '../../model/reasons.ts'
import { fault } from '../../model/reasons.ts'

/** Fields that must be strings in every call, also if the schema of the call does not name them. */
const ID_FIELDS = ['userId', 'anonymousId', 'groupId', 'previousId'] as const

/**
 * Checks the ids before the contract is applied: ids are strings (Segment's ingest reports numbers as `id_not_string`), and
 * every call except alias has a non-empty userId or anonymousId. The contract requires both too (`anyOf`), but without
 * Segment's codes and order of faults. Only the contract says which further ids alias and group need. Returns undefined if
 * the ids are valid.
 */
export function findIdFault(event: Record<string, unknown>, type: EventType, nullIsAbsent: boolean): Fault | undefined {
  for (const field of ID_FIELDS) {
    const id = event[field]
    if (typeof id === 'string' || id === undefined || (id === null && nullIsAbsent)) continue
    return fault('id_not_string', `/${field}`, `${field} must be a string`)
  }
  if (type === 'alias' || hasText(event['userId']) || hasText(event['anonymousId'])) return undefined
  return fault('no_user_anon_id')
}

function hasText(id: unknown): boolean {
  return typeof id === 'string' && id !== ''
}
