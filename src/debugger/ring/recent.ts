import { EventEmitter } from 'node:events'
import type { Outcome } from '../../model/outcome.ts'
import type { RequestReport } from '../../model/report.ts'
import type { RingLimits, StoredEvent } from './ring.ts'
import { ReportRing } from './ring.ts'

/** The limits for all events, and for refused ones, which are kept longer so that many accepted events do not push them out. */
const RECENT_LIMITS: { readonly all: RingLimits; readonly refused: RingLimits } = {
  all: { maxBytes: 8 * 1024 * 1024, maxEvents: 100_000 },
  refused: { maxBytes: 4 * 1024 * 1024, maxEvents: 10_000 }
}

export type OutcomeCounts = Record<Outcome, number>

/** The events of one source since the server started. */
export interface SourceTally {
  readonly outcomes: OutcomeCounts
  /** The arrival of its latest request, in milliseconds since the epoch. */
  lastAt: number
  /** The seq of the last event of that request. */
  lastSeq: number
}

/** The latest events in memory: the pipeline adds every request, and the debugger's API reads them. */
export interface RecentEvents {
  /** Counts the events and stores a copy. Parses nothing. */
  observe(report: RequestReport): void
  /** The seq of the next event. */
  nextSeq(): number
  /** The oldest seq in memory; nextSeq() if there is none. */
  firstSeq(): number
  get(seq: number): StoredEvent | undefined
  after(seq: number): Iterable<StoredEvent>
  before(seq: number): Iterable<StoredEvent>
  /** Events that were rejected, rate limited or failed, newest first; reaches further back than before(). */
  refused(): Iterable<StoredEvent>
  tallies(): ReadonlyMap<string, SourceTally>
  usage(): { readonly events: number; readonly bytes: number }
  clear(): void
  /** Calls `listener` after new events until the returned function is called. Costs nothing without subscribers. */
  subscribe(listener: () => void): () => void
}

export function emptyCounts(): OutcomeCounts {
  return { accepted: 0, duplicate: 0, rejected: 0, rate_limited: 0, failed: 0, filtered: 0, suppressed: 0 }
}

const NOT_REFUSED: ReadonlySet<Outcome> = new Set<Outcome>(['accepted', 'duplicate', 'filtered', 'suppressed'])

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
      let noneRefused = true
      for (const { outcome } of events) {
        tally.outcomes[outcome]++
        if (outcome !== 'accepted') noneRefused &&= NOT_REFUSED.has(outcome)
      }
      all.add(report, next)
      if (!noneRefused) refused.add(report, next)
      next += events.length
      if (watchers > 0) news.emit('events')
    },
    nextSeq: () => next,
    firstSeq: () => all.firstSeq ?? next,
    get: seq => all.get(seq) ?? refused.get(seq),
    after: seq => all.after(seq),
    before: seq => all.before(seq),
    *refused() {
      for (const stored of refused.before(next)) if (!NOT_REFUSED.has(stored.event.outcome)) yield stored
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
