import type { Governance, Governor } from '../../ingest/govern/governance.ts'
import type { JudgedRequest } from '../../ingest/govern/judged-request.ts'
import type { Edit } from '../../ingest/govern/splice.ts'
import type { Effect } from '../../model/governance/rules.ts'
import { contextStamp } from './context-stamp.ts'

const EFFECT: Effect = { rule: 'gpc', detail: 'the browser sent Sec-GPC: 1, so context.gpc is true' }

/**
 * Global Privacy Control as a part of governance. With the header `Sec-GPC: 1` of each request, a browser says that its
 * user objects to sale and sharing. The header is not stored, so each event of the request gets `context.gpc: true`.
 * The consent tool's `context.consent` stays unchanged.
 */
export function createGpc(): Governance {
  const governor: Governor = { address: address => address, steps: [stamp], mayKeep: () => true }
  return { of: (_source, { gpc }) => (gpc === true ? governor : undefined) }
}

function stamp(request: JudgedRequest): void {
  const edits: Edit[] = []
  for (const [index, event] of request.events.entries()) {
    if (event.fault !== undefined || request.verdictOf(index) !== undefined) continue
    request.note(index, EFFECT)
    edits.push(...contextStamp(event.scan, request, 'gpc'))
  }
  request.rewrite(edits)
}
