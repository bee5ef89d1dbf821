import type { Governance, GovernanceStep, Governor } from '../../ingest/govern/governance.ts'
import type { Edit } from '../../ingest/govern/splice.ts'
import type { Effect } from '../../model/governance/rules.ts'
import type { SuppressedIds } from './entries.ts'
import { namesOneOf, quotesOneOf, shownMessageId } from './event-ids.ts'

const EFFECT: Effect = { rule: 'suppress', detail: 'one of its ids is on the suppression list' }

/**
 * Suppression as a part of governance: an event whose userId, anonymousId or previousId is on the list is answered with
 * 200, counted as `suppressed`, and not stored. If such an event breaks the contract too, it is rejected as usual,
 * without its payload.
 *
 * @param ids the list in force
 */
export function createSuppression(ids: () => SuppressedIds): Governance {
  let governor: { readonly of: SuppressedIds; readonly governor: Governor } | undefined
  return {
    of() {
      const current = ids()
      if (current.size === 0) return undefined
      if (governor?.of !== current) governor = { of: current, governor: governorOf(current) }
      return governor.governor
    }
  }
}

function governorOf(ids: SuppressedIds): Governor {
  const has = (id: string): boolean => ids.has(id)
  return { address: address => address, steps: [stepOf(has)], mayKeep: bytes => !quotesOneOf(bytes, has) }
}

function stepOf(has: (id: string) => boolean): GovernanceStep {
  return request => {
    const { events, body } = request
    const edits: Edit[] = []
    for (const [index, event] of events.entries()) {
      if (!namesOneOf(event, body, has)) continue
      if (event.fault === undefined) {
        request.end(index, { outcome: 'suppressed', messageId: shownMessageId(event, body) })
      }
      request.note(index, EFFECT)
      edits.push(request.withhold(index))
    }
    request.rewrite(edits)
  }
}
