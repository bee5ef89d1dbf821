import type { Governance, Governor } from '../../ingest/govern/governance.ts'
import type { JudgedRequest } from '../../ingest/govern/judged-request.ts'
import type { Edit } from '../../ingest/govern/splice.ts'
import { KEY } from '../../ingest/parse/known-keys.ts'
import type { Scan } from '../../ingest/parse/scan-result.ts'
import { KIND } from '../../ingest/parse/scan-result.ts'
import { scanObject } from '../../ingest/parse/scan.ts'
import type { Effect } from '../../model/governance/rules.ts'

const EFFECT: Effect = { rule: 'gpc', detail: 'the browser sent Sec-GPC: 1, so context.gpc is true' }
const MEMBER = '"gpc":true'

/**
 * Global Privacy Control as a part of governance. A browser says with the header `Sec-GPC: 1`, of each request, that its user
 * objects to sale and sharing. The header is gone when the request is over, so each event of the request gets
 * `context.gpc: true`. What the consent tool says in `context.consent` is left alone.
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
    edits.push(...stampsOf(event.scan, request))
  }
  request.rewrite(edits)
}

function stampsOf(event: Scan, { body }: JudgedRequest): readonly Edit[] {
  const place = event.find(KEY.context)
  if (place < 0) return [insertion(event, `"context":{${MEMBER}}`)]
  const [start, end] = [event.valueStartAt(place), event.valueEndAt(place)]
  // Null, or PHP's empty array.
  if (event.kindAt(place) !== KIND.object) return [{ start, end, text: `{${MEMBER}}` }]
  const context = scanObject(body.bytes, { start, end, text: body.text })
  const own = Array.from({ length: context.size }, (_, at) => at).filter(at => context.keyAt(at) === 'gpc')
  if (own.length === 0) return [insertion(context, MEMBER)]
  return own.map(at => ({ start: context.valueStartAt(at), end: context.valueEndAt(at), text: 'true' }))
}

/** Right behind the opening brace: whatever blanks stand in the object stay. */
function insertion({ start, size }: Scan, member: string): Edit {
  return { start: start + 1, end: start + 1, text: size === 0 ? member : `${member},` }
}
