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
/** A watcher that is further behind is brought near the newest events: live means now. */
const MAX_LAG_EVENTS = 2_000
const MAX_WATCHERS = 32

interface Follower extends Watcher {
  /** The last seq that was looked at. */
  seen: number
  /** Whether the last tick ended before the newest event was looked at. */
  late: boolean
}

/** The live stream: nothing runs while nobody watches, or while there is no news. */
export function createLiveFeed(options: { readonly recent: RecentEvents; readonly mask: Mask }): LiveFeed {
  const { recent, mask } = options
  const followers = new Set<Follower>()
  /** Rows of this tick as JSON, by seq: most watchers are told of the same ones. */
  const rows = new Map<number, string>()
  let timer: NodeJS.Timeout | undefined
  let unsubscribe: (() => void) | undefined

  function schedule(): void {
    timer ??= setTimeout(tick, TICK_MS)
  }

  function tick(): void {
    timer = undefined
    const share = BUDGET_MS / followers.size
    let behind = false
    for (const follower of followers) {
      if (follower.ready()) advance(follower, performance.now() + share)
      else follower.late = true
      behind ||= follower.seen < recent.nextSeq() - 1
    }
    rows.clear()
    if (behind) schedule()
  }

  function advance(follower: Follower, deadline: number): void {
    const told: string[] = []
    let last: number | undefined
    const skippedFrom = follower.seen + 1
    const near = follower.late ? recent.nextSeq() - MAX_LAG_EVENTS : 0
    const start = Math.max(skippedFrom, recent.firstSeq(), near)
    follower.seen = start - 1
    follower.late = false
    for (const stored of recent.after(follower.seen)) {
      if (follower.matches(stored)) {
        told.push(rowOf(stored))
        last = stored.seq
      }
      follower.seen = stored.seq
      if (told.length < MAX_ROWS && performance.now() < deadline) continue
      follower.late = true
      break
    }
    const skipped = start - skippedFrom
    if (told.length > 0 || skipped > 0) follower.tell(withTexts('rows', told, { skipped, skippedFrom }), last)
  }

  function rowOf(stored: StoredEvent): string {
    let row = rows.get(stored.seq)
    if (row === undefined) rows.set(stored.seq, (row = JSON.stringify(toRow(stored, mask))))
    return row
  }

  return {
    watch(watcher, fromSeq) {
      if (followers.size >= MAX_WATCHERS) throw new RangeError(`at most ${MAX_WATCHERS} may watch at once`)
      const follower: Follower = { ...watcher, seen: fromSeq - 1, late: false }
      followers.add(follower)
      unsubscribe ??= recent.subscribe(schedule)
      schedule()
      return () => {
        followers.delete(follower)
        if (followers.size > 0) return
        unsubscribe?.()
        unsubscribe = undefined
        clearTimeout(timer)
        timer = undefined
      }
    },
    watchers: () => followers.size,
    close() {
      for (const follower of followers) follower.end()
    }
  }
}
