import type { Background } from '../../model/background.ts'
import type { Source } from '../../model/source.ts'
import type { RecentEvents } from '../ring/recent.ts'
import { emptyCounts } from '../ring/recent.ts'
import type { OutcomeCounts } from '../ring/recent.ts'
import { sdkOf } from '../ring/row.ts'
import type { Mask } from '../ring/mask.ts'

/** An SDK that has sent events for a source. */
export interface SeenSdk {
  readonly sdk: string
  /** Milliseconds since the epoch. */
  readonly lastAt: number
}

export interface SourceView {
  readonly id: string
  readonly name: string
  readonly enabled: boolean
  readonly allowedOrigins: readonly string[] | null
  readonly rateLimit: Source['rateLimit'] | null
  readonly outcomes: OutcomeCounts
  /** RFC 3339; null if no event has arrived. */
  readonly lastEventAt: string | null
  readonly sdks: readonly SeenSdk[]
}

export interface SdkWatch {
  /** Resolves when the events until now are examined. Call this once before calls of of(). */
  look(): Promise<void>
  /** The SDKs of a source, the latest first. */
  of(source: string): readonly SeenSdk[]
  stop(): void
}

const LOOK_MS = 1_000
const MAX_SDKS_PER_SOURCE = 30

/**
 * Records which SDKs send events. Once a second it parses the latest request of each source that has sent something. To
 * parse every event would cost more than the information is worth.
 */
export function watchSdks(options: {
  readonly recent: RecentEvents
  readonly mask: Mask
  readonly background: Background
}): SdkWatch {
  const { recent, mask, background } = options
  const seen = new Map<string, Map<string, number>>()
  const lastLook = new Map<string, number>()

  async function look(): Promise<void> {
    await background.slice()
    for (const [source, { lastAt, lastSeq }] of recent.tallies()) {
      if (lastLook.get(source) === lastSeq) continue
      lastLook.set(source, lastSeq)
      const stored = recent.get(lastSeq)
      if (stored !== undefined) note(source, mask(sdkOf(stored)), lastAt)
      if (background.isOver()) await background.slice()
    }
  }

  function note(source: string, sdk: string, at: number): void {
    if (sdk === '') return
    let sdks = seen.get(source)
    if (sdks === undefined) seen.set(source, (sdks = new Map()))
    sdks.delete(sdk)
    sdks.set(sdk, at)
    const [oldest] = sdks.keys()
    if (sdks.size > MAX_SDKS_PER_SOURCE && oldest !== undefined) sdks.delete(oldest)
  }

  const timer = setInterval(() => void look(), LOOK_MS).unref()
  return {
    look,
    of: source => [...(seen.get(source) ?? [])].map(([sdk, lastAt]) => ({ sdk, lastAt })).toReversed(),
    stop: () => clearInterval(timer)
  }
}

export function toSourceView(source: Source, recent: RecentEvents, sdks: SdkWatch): SourceView {
  const tally = recent.tallies().get(source.id)
  return {
    id: source.id,
    name: source.name,
    enabled: source.enabled,
    allowedOrigins: source.allowedOrigins ?? null,
    rateLimit: source.rateLimit ?? null,
    outcomes: tally?.outcomes ?? emptyCounts(),
    lastEventAt: tally === undefined ? null : new Date(tally.lastAt).toISOString(),
    sdks: sdks.of(source.id)
  }
}
