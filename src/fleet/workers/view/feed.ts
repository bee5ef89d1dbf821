import type { FromPrimary, FromWorker } from '../messages.ts'
import type { Slot } from '../slot.ts'

/** A reader of the live stream, in the form of a single server's live stream. */
export interface Watcher {
  ready(): boolean
  send(json: string, lastSeq: number | undefined): void
  end(): void
}

/** The live stream over all workers. */
export interface Feed {
  /** Sends matching events from after `after` on, or from now on. Throws RangeError if there are too many watchers. */
  watch(watcher: Watcher, wanted: { readonly query: string; readonly after: number | undefined }): () => void
  watchers(): number
  /** Call this with each message of this kind. */
  rows(slot: Slot, message: Extract<FromWorker, { op: 'rows' }>): void
  /** Call this when a worker begins to listen: it gets the list of watchers. */
  began(slot: Slot): void
  close(): void
}

const MAX_WATCHERS = 32
/** The interval at which a slow reader is checked. */
const RETRY_MS = 100

interface Watch {
  readonly watcher: Watcher
  readonly query: string
  /** The last seq that was sent, by worker. */
  readonly sent: Map<number, number>
  after: number | undefined
}

/**
 * @param slots the workers; each may have a few batches in flight to a reader, and sends more only when those were
 * taken
 */
export function createFeed(slots: readonly Slot[]): Feed {
  const watches = new Map<number, Watch>()
  let next = 1

  function begin(slot: Slot, id: number, { query, sent, after }: Watch): void {
    const from = sent.get(slot.index) ?? after
    slot.send({ op: 'watch', id, query, ...(from === undefined ? {} : { after: from }) } satisfies FromPrimary)
  }

  function forward(slot: Slot, message: Extract<FromWorker, { op: 'rows' }>): void {
    const watch = watches.get(message.id)
    if (watch === undefined) return
    if (!watch.watcher.ready()) {
      setTimeout(forward, RETRY_MS, slot, message)
      return
    }
    if (message.last !== undefined) watch.sent.set(slot.index, message.last)
    watch.watcher.send(message.json, message.last)
    slot.send({ op: 'more', id: message.id })
  }

  return {
    watch(watcher, { query, after }) {
      if (watches.size >= MAX_WATCHERS) throw new RangeError(`at most ${MAX_WATCHERS} may watch at once`)
      const id = next++
      const watch: Watch = { watcher, query, sent: new Map(), after }
      watches.set(id, watch)
      for (const slot of slots) begin(slot, id, watch)
      return () => {
        watches.delete(id)
        for (const slot of slots) slot.send({ op: 'unwatch', id })
      }
    },
    watchers: () => watches.size,
    rows: forward,
    began(slot) {
      for (const [id, watch] of watches) begin(slot, id, watch)
    },
    close() {
      for (const { watcher } of watches.values()) watcher.end()
    }
  }
}
