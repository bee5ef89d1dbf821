import type { EventType } from '../../model/event-types.ts'
import type { Fault } from '../../model/reasons.ts'
import { fault } from '../../model/reasons.ts'

/** Strings wherever they stand, also on calls whose schema does not name them. */
const ID_FIELDS = ['userId', 'anonymousId', 'groupId', 'previousId'] as const

/**
 * What must be said of ids before anything else is looked at: ids are strings (Segment's ingest: numbers are
 * `id_not_string`), and every call but alias has a userId or an anonymousId that is not empty. The contract says both
 * too (`anyOf`), but not in which order faults are reported, nor in Segment's words. Which ids alias and group need stands
 * in the contract alone.
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
