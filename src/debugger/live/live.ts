import { withTexts } from '../ring/answer.ts'
import type { Matcher } from '../ring/filter.ts'
import type { Mask } from '../ring/mask.ts'
import type { RecentEvents } from '../ring/recent.ts'
import type { StoredEvent } from '../ring/ring.ts'
import type { EventRow } from '../ring/row.ts'
import { toRow } from '../ring/row.ts'

/** One message to a watcher, sent as JSON. */
export interface LiveBatch {
  /** Oldest first. */
  readonly rows: readonly EventRow[]
  /** The number of events before these rows that were skipped, because they arrived faster than they can be shown. */
  readonly skipped: number
  /** The seq of the first skipped event. Skipped events can be requested while they are in memory. */
  readonly skippedFrom: number
}

export interface Watcher {
  readonly matches: Matcher
  /** False while earlier messages are unsent. No message is made then. */
  ready(): boolean
  /** @param json a LiveBatch. @param lastSeq the seq of its last row; undefined where it has none */
  send(json: string, lastSeq: number | undefined): void
  /** No more messages follow. */
  end(): void
}

export interface LiveFeed {
  /** Sends events from `fromSeq` on, until the returned function is called. Throws RangeError if there are too many watchers. */
  watch(watcher: Watcher, fromSeq: number): () => void
  /** The number of watchers. */
  watchers(): number
  /** Sends what is left, and ends every watcher, because a server that closes must not wait for them. */
  close(): void
}

/** The interval between messages, in milliseconds: short enough for people, long enough to cost little. */
const TICK_MS = 100
/** The time that all watchers together may take in a tick: 1 % of it, so that watching costs no throughput. */
const BUDGET_MS = 1
/** The most rows in one tick, because sending them costs time too. Nobody reads a thousand lines a second. */
const MAX_ROWS = 100
/**
 * A watcher that needs more ticks than this to catch up skips to the newest events: the stream is live, and a slow machine
 * may process only a few rows in a tick where a fast one processes thousands.
 */
const MAX_LAG_TICKS = 10
const MAX_LAG_EVENTS = 2_000
const MAX_WATCHERS = 32
/** A stream that ends sends what is left in so many messages, and takes at most so long for each. */
const MAX_LAST_TICKS = 20
const LAST_BUDGET_MS = 50

interface Follower extends Watcher {
  /** The last seq that was examined. */
  seen: number
  /** About how many events a tick that runs out of time examines. */
  pace: number
  /** Whether the last tick ended before the newest event was examined. */
  late: boolean
}

/** Creates the live stream. It does no work without watchers or without new events. */
export function createLiveFeed(options: { readonly recent: RecentEvents; readonly mask: Mask }): LiveFeed {
  return new Feed(options)
}

class Feed implements LiveFeed {
  readonly #recent: RecentEvents
  readonly #mask: Mask
  readonly #followers = new Set<Follower>()
  /** The rows of this tick as JSON, by seq, because most watchers get the same ones. */
  readonly #rows = new Map<number, string>()
  #timer: NodeJS.Timeout | undefined
  #unsubscribe: (() => void) | undefined

  constructor({ recent, mask }: { readonly recent: RecentEvents; readonly mask: Mask }) {
    this.#recent = recent
    this.#mask = mask
  }

  watch(watcher: Watcher, fromSeq: number): () => void {
    if (this.#followers.size >= MAX_WATCHERS) throw new RangeError(`at most ${MAX_WATCHERS} may watch at once`)
    const follower: Follower = { ...watcher, seen: fromSeq - 1, pace: MAX_LAG_EVENTS, late: false }
    this.#followers.add(follower)
    this.#unsubscribe ??= this.#recent.subscribe(() => this.#schedule())
    this.#schedule()
    return () => {
      this.#followers.delete(follower)
      if (this.#followers.size > 0) return
      this.#unsubscribe?.()
      this.#unsubscribe = undefined
      clearTimeout(this.#timer)
      this.#timer = undefined
    }
  }

  /** A bound function, because callers pass it on without its object. */
  readonly watchers = (): number => this.#followers.size

  close(): void {
    for (let tick = 0; tick < MAX_LAST_TICKS && this.#timer !== undefined; tick++) {
      clearTimeout(this.#timer)
      // What would be skipped now cannot be requested later.
      for (const follower of this.#followers) follower.late = false
      this.#tick(LAST_BUDGET_MS)
    }
    for (const follower of this.#followers) follower.end()
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => this.#tick(), TICK_MS)
  }

  #tick(budgetMs = BUDGET_MS): void {
    this.#timer = undefined
    const share = budgetMs / this.#followers.size
    let behind = false
    for (const follower of this.#followers) {
      if (follower.ready()) this.#advance(follower, performance.now() + share)
      else follower.late = true
      behind ||= follower.seen < this.#recent.nextSeq() - 1
    }
    this.#rows.clear()
    if (behind) this.#schedule()
  }

  #advance(follower: Follower, deadline: number): void {
    const rows: string[] = []
    let last: number | undefined
    const skippedFrom = follower.seen + 1
    const lag = Math.min(MAX_LAG_EVENTS, follower.pace * MAX_LAG_TICKS)
    const near = follower.late ? this.#recent.nextSeq() - lag : 0
    const start = Math.max(skippedFrom, this.#recent.firstSeq(), near)
    follower.seen = start - 1
    follower.late = false
    for (const stored of this.#recent.after(follower.seen)) {
      if (follower.matches(stored)) {
        rows.push(this.#rowOf(stored))
        last = stored.seq
      }
      follower.seen = stored.seq
      if (rows.length < MAX_ROWS && performance.now() < deadline) continue
      follower.late = true
      // One slow tick says little: the first ones after a pause run cold.
      follower.pace = Math.max(stored.seq - start + 1, Math.ceil(follower.pace / 2))
      break
    }
    const skipped = start - skippedFrom
    if (rows.length > 0 || skipped > 0) follower.send(withTexts('rows', rows, { skipped, skippedFrom }), last)
  }

  #rowOf(stored: StoredEvent): string {
    let row = this.#rows.get(stored.seq)
    if (row === undefined) this.#rows.set(stored.seq, (row = JSON.stringify(toRow(stored, this.#mask))))
    return row
  }
}
