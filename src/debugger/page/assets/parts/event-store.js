/** The most rows that one page keeps, so that a tab may stay open for weeks. */
export const MAX_ROWS = 10_000

/**
 * Rows, oldest first. A gap row stands for events that arrived faster than they can be shown. `added` counts the rows
 * that were ever added at the newest end.
 */
export class EventStore {
  rows = []
  added = 0
  /** Rows that arrived while the stream was paused. They are shown when it resumes. */
  waiting = []
  isPaused = false
  /** `before` of the request for the rows before the oldest row; null if there are none. */
  older = null

  /** Adds a batch of the stream. */
  push({ rows, skipped, skippedFrom, server }) {
    const items = skipped > 0 ? [{ server, gap: skipped, from: skippedFrom, seq: skippedFrom }, ...rows] : rows
    if (this.isPaused) {
      this.waiting = this.waiting.concat(items).slice(-MAX_ROWS)
      return
    }
    this.#append(items)
  }

  pause(isPaused) {
    this.isPaused = isPaused
    if (isPaused) return
    const items = this.waiting
    this.waiting = []
    this.#append(items)
  }

  /** Adds older rows, oldest first. */
  prepend(rows) {
    this.rows = [...rows, ...this.rows]
  }

  /** Adds rows of another server, oldest first, at the places of their times. */
  merge(rows) {
    const merged = []
    let at = 0
    for (const row of this.rows) {
      while (at < rows.length && rows[at].receivedAt < row.receivedAt) merged.push(rows[at++])
      merged.push(row)
    }
    this.rows = [...merged, ...rows.slice(at)].slice(-MAX_ROWS)
  }

  /** Replaces a gap by its rows. */
  fill(gap, rows) {
    const at = this.rows.indexOf(gap)
    if (at >= 0) this.rows = [...this.rows.slice(0, at), ...rows, ...this.rows.slice(at + 1)]
  }

  clear() {
    this.rows = []
    this.waiting = []
    this.older = null
  }

  #append(items) {
    // Joins two gaps of a server that have no rows between them.
    const last = this.rows.at(-1)
    if (last?.gap !== undefined && items[0]?.gap !== undefined && last.server === items[0].server) {
      this.rows = this.rows.slice(0, -1)
      items = [{ ...last, gap: items[0].from + items[0].gap - last.from }, ...items.slice(1)]
      this.added--
    }
    this.rows =
      this.rows.length + items.length > MAX_ROWS ? this.rows.concat(items).slice(-MAX_ROWS) : this.rows.concat(items)
    this.added += items.length
  }
}
