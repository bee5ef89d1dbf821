import { withTexts } from '../ring/answer.ts'
import type { Matcher } from '../ring/filter.ts'
import type { Mask } from '../ring/mask.ts'
import type { RecentEvents } from '../ring/recent.ts'
import type { StoredEvent } from '../ring/ring.ts'
import type { EventRow } from '../ring/row.ts'
import { toRow } from '../ring/row.ts'

/** What a watcher is told of, as JSON. */
export interface LiveBatch {
  /** Oldest first. */
  readonly rows: readonly EventRow[]
  /** Events of any kind, before these rows, that were passed over because they came faster than they can be shown. */
  readonly skipped: number
  /** The first of those; they can be asked for while they are kept. */
  readonly skippedFrom: number
}

export interface Watcher {
  readonly matches: Matcher
  /** False while what was told is still on its way: nothing more is told then. */
  ready(): boolean
  /** @param json a LiveBatch. @param lastSeq the seq of its last row; undefined where it has none */
  tell(json: string, lastSeq: number | undefined): void
  /** Nothing more will be told. */
  end(): void
}

export interface LiveFeed {
  /** Tells of events from `fromSeq` on, until the answer is called. Throws RangeError where too many watch already. */
  watch(watcher: Watcher, fromSeq: number): () => void
  /** How many watch now. */
  watchers(): number
  /** Ends every watcher: a server that closes must not wait for them. */
  close(): void
}

/** Watchers are told at most so often, in milliseconds: soon enough for people, seldom enough to cost little. */
const TICK_MS = 100
/** What all watchers together may take of a tick: 1 % of the time, so that looking on costs no throughput. */
const BUDGET_MS = 1
/** In one tick; telling them costs time too. Nobody reads a thousand lines a second. */
const MAX_ROWS = 100
/**
 * A watcher that is further behind than it gets in so many ticks is brought near the newest events: live means now, and
 * a slow machine gets through a few rows in a tick where a quick one gets through thousands.
 */
const MAX_LAG_TICKS = 10
const MAX_LAG_EVENTS = 2_000
const MAX_WATCHERS = 32

interface Follower extends Watcher {
  /** The last seq that was looked at. */
  seen: number
  /** How many events were looked at in the last tick that ended late. */
  pace: number
  /** Whether the last tick ended before the newest event was looked at. */
  late: boolean
}

/** The live stream: nothing runs while nobody watches, or while there is no news. */
export function createLiveFeed(options: { readonly recent: RecentEvents; readonly mask: Mask }): LiveFeed {
  return new Feed(options)
}

class Feed implements LiveFeed {
  readonly #recent: RecentEvents
  readonly #mask: Mask
  readonly #followers = new Set<Follower>()
  /** Rows of this tick as JSON, by seq: most watchers are told of the same ones. */
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

  /** Handed on by itself. */
  readonly watchers = (): number => this.#followers.size

  close(): void {
    for (const follower of this.#followers) follower.end()
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => this.#tick(), TICK_MS)
  }

  #tick(): void {
    this.#timer = undefined
    const share = BUDGET_MS / this.#followers.size
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
    const told: string[] = []
    let last: number | undefined
    const skippedFrom = follower.seen + 1
    const lag = Math.min(MAX_LAG_EVENTS, follower.pace * MAX_LAG_TICKS)
    const near = follower.late ? this.#recent.nextSeq() - lag : 0
    const start = Math.max(skippedFrom, this.#recent.firstSeq(), near)
    follower.seen = start - 1
    follower.late = false
    for (const stored of this.#recent.after(follower.seen)) {
      if (follower.matches(stored)) {
        told.push(this.#rowOf(stored))
        last = stored.seq
      }
      follower.seen = stored.seq
      if (told.length < MAX_ROWS && performance.now() < deadline) continue
      follower.late = true
      follower.pace = stored.seq - start + 1
      break
    }
    const skipped = start - skippedFrom
    if (told.length > 0 || skipped > 0) follower.tell(withTexts('rows', told, { skipped, skippedFrom }), last)
  }

  #rowOf(stored: StoredEvent): string {
    let row = this.#rows.get(stored.seq)
    if (row === undefined) this.#rows.set(stored.seq, (row = JSON.stringify(toRow(stored, this.#mask))))
    return row
  }
}
