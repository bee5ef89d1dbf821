import type { Background } from '../../model/background.ts'
import { REASONS } from '../../model/reasons.ts'
import type { Mask } from '../ring/mask.ts'
import type { RecentEvents } from '../ring/recent.ts'
import type { EventRow } from '../ring/row.ts'
import { sdkOf, toRow } from '../ring/row.ts'
import { matchingEvents } from '../ring/search.ts'

/** Refused events with the same outcome and reason. */
export interface RejectionGroup {
  readonly outcome: string
  /** The reason; '' if the outcome says enough. */
  readonly code: string
  /** The reason as a sentence. */
  readonly meaning: string
  /** The number of these events in memory. */
  readonly count: number
  /** RFC 3339. */
  readonly lastAt: string
  /** The SDKs of the latest events, the most frequent first. */
  readonly sdks: readonly { readonly sdk: string; readonly count: number }[]
  readonly sources: readonly string[]
  /** The latest few, newest first. */
  readonly samples: readonly EventRow[]
}

const MAX_SAMPLES = 5
/** The number of a group's latest events that are parsed to find their SDK. */
const MAX_PARSED = 50

const MEANINGS: Readonly<Record<string, string>> = {
  rate_limited: 'over the rate limit of the source (429)',
  failed: 'could not be made durable; clients were told to send again (503)'
}

/** Refused events grouped by reason, the group with the latest event first. */
export async function groupRejections(
  recent: RecentEvents,
  { mask, background }: { readonly mask: Mask; readonly background: Background }
): Promise<RejectionGroup[]> {
  const groups = new Map<string, { -readonly [K in keyof RejectionGroup]: RejectionGroup[K] } & Collected>()
  for await (const stored of matchingEvents(recent.refused(), { matches: () => true, background })) {
    const { outcome, fault } = stored.event
    const code = fault?.code ?? ''
    const key = `${outcome} ${code}`
    let group = groups.get(key)
    if (group === undefined) groups.set(key, (group = emptyGroup(outcome, code, stored.request.receivedAt)))
    group.count++
    group.seenSources.add(stored.request.source)
    if (group.rows.length < MAX_SAMPLES) group.rows.push(toRow(stored, mask))
    if (group.count > MAX_PARSED) continue
    const sdk = mask(sdkOf(stored))
    group.seenSdks.set(sdk, (group.seenSdks.get(sdk) ?? 0) + 1)
  }
  return [...groups.values()].map(({ rows, seenSdks, seenSources, ...group }) => ({
    ...group,
    samples: rows,
    sources: [...seenSources],
    sdks: [...seenSdks].map(([sdk, count]) => ({ sdk, count })).sort((a, b) => b.count - a.count)
  }))
}

interface Collected {
  readonly rows: EventRow[]
  readonly seenSdks: Map<string, number>
  readonly seenSources: Set<string>
}

function emptyGroup(outcome: string, code: string, receivedAt: number) {
  const meaning = code in REASONS ? REASONS[code as keyof typeof REASONS] : (MEANINGS[outcome] ?? '')
  const lastAt = new Date(receivedAt).toISOString()
  const collected = { rows: [], seenSdks: new Map<string, number>(), seenSources: new Set<string>() }
  return { outcome, code, meaning, count: 0, lastAt, sdks: [], sources: [], samples: [], ...collected }
}
