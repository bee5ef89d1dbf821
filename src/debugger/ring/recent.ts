import { EventEmitter } from 'node:events'
import type { Outcome } from '../../model/outcome.ts'
import type { RequestReport } from '../../model/report.ts'
import type { RingLimits, StoredEvent } from './ring.ts'
import { ReportRing } from './ring.ts'

/** What is kept of all events, and for longer of those that were not taken: a flood of good ones must not hide them. */
const RECENT_LIMITS: { readonly all: RingLimits; readonly refused: RingLimits } = {
  all: { maxBytes: 8 * 1024 * 1024, maxEvents: 100_000 },
  refused: { maxBytes: 4 * 1024 * 1024, maxEvents: 10_000 }
}

export type OutcomeCounts = Record<Outcome, number>

/** What one source has sent since the server started. */
export interface SourceTally {
  readonly outcomes: OutcomeCounts
  /** When its latest request came, in milliseconds since the epoch. */
  lastAt: number
  /** Of the last event of that request. */
  lastSeq: number
}

/** The memory of the debugger: told of every request by the pipeline, asked by whoever looks. */
export interface RecentEvents {
  /** Counts, and keeps a copy: nothing is parsed here. */
  observe(report: RequestReport): void
  /** The seq of the next event. */
  nextSeq(): number
  /** The oldest seq that is kept; the next one when nothing is. */
  firstSeq(): number
  get(seq: number): StoredEvent | undefined
  after(seq: number): Iterable<StoredEvent>
  before(seq: number): Iterable<StoredEvent>
  /** Events that were rejected, rate limited or failed, newest first; reaches further back than before(). */
  refused(): Iterable<StoredEvent>
  tallies(): ReadonlyMap<string, SourceTally>
  usage(): { readonly events: number; readonly bytes: number }
  clear(): void
  /** Calls back after new events until the answer is called. Costs nothing while nobody subscribes. */
  subscribe(listener: () => void): () => void
}

export function emptyCounts(): OutcomeCounts {
  return { accepted: 0, duplicate: 0, rejected: 0, rate_limited: 0, failed: 0, filtered: 0, suppressed: 0 }
}

const TAKEN: ReadonlySet<Outcome> = new Set<Outcome>(['accepted', 'duplicate', 'filtered', 'suppressed'])

export function createRecentEvents(limits = RECENT_LIMITS): RecentEvents {
  const all = new ReportRing(limits.all)
  const refused = new ReportRing(limits.refused)
  const tallies = new Map<string, SourceTally>()
  const news = new EventEmitter<{ events: [] }>().setMaxListeners(0)
  let watchers = 0
  let next = 1

  function tallyOf({ source }: RequestReport): SourceTally {
    let tally = tallies.get(source)
    if (tally === undefined) tallies.set(source, (tally = { outcomes: emptyCounts(), lastAt: 0, lastSeq: 0 }))
    return tally
  }

  return {
    observe(report) {
      const { events } = report
      if (events.length === 0) return
      const tally = tallyOf(report)
      tally.lastAt = report.receivedAt
      tally.lastSeq = next + events.length - 1
      let taken = true
      for (const { outcome } of events) {
        tally.outcomes[outcome]++
        if (outcome !== 'accepted') taken &&= TAKEN.has(outcome)
      }
      all.add(report, next)
      if (!taken) refused.add(report, next)
      next += events.length
      if (watchers > 0) news.emit('events')
    },
    nextSeq: () => next,
    firstSeq: () => all.firstSeq ?? next,
    get: seq => all.get(seq) ?? refused.get(seq),
    after: seq => all.after(seq),
    before: seq => all.before(seq),
    *refused() {
      for (const stored of refused.before(next)) if (!TAKEN.has(stored.event.outcome)) yield stored
    },
    tallies: () => tallies,
    usage: () => ({ events: all.events, bytes: all.bytes + refused.bytes }),
    clear() {
      all.clear()
      refused.clear()
    },
    subscribe(listener) {
      watchers++
      news.on('events', listener)
      return () => {
        watchers--
        news.off('events', listener)
      }
    }
  }
}
