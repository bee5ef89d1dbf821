import type { FromPrimary, FromWorker } from '../messages.ts'
import type { Slot } from '../slot.ts'

/** Who is told of rows as they come; as the live stream of one server has it. */
export interface Watcher {
  ready(): boolean
  tell(json: string, lastSeq: number | undefined): void
  end(): void
}

/** The live stream over all workers. */
export interface Feed {
  /** Tells of what matches the query, from behind `after` on, else from now on. Throws RangeError where too many watch. */
  watch(watcher: Watcher, wanted: { readonly query: string; readonly after: number | undefined }): () => void
  watchers(): number
  /** Call this with each message of this kind. */
  rows(slot: Slot, message: Extract<FromWorker, { op: 'rows' }>): void
  /** A worker listens that did not before: it is told who watches. */
  began(slot: Slot): void
  close(): void
}

const MAX_WATCHERS = 32
/** The interval at which a slow reader is checked. */
const RETRY_MS = 100

interface Watch {
  readonly watcher: Watcher
  readonly query: string
  /** Of what was told last, by worker. */
  readonly told: Map<number, number>
  after: number | undefined
}

/** @param slots workers of which each may have a little on its way to a reader, and no more before that is taken */
export function createFeed(slots: readonly Slot[]): Feed {
  const watches = new Map<number, Watch>()
  let next = 1

  function begin(slot: Slot, id: number, { query, told, after }: Watch): void {
    const from = told.get(slot.index) ?? after
    slot.send({ op: 'watch', id, query, ...(from === undefined ? {} : { after: from }) } satisfies FromPrimary)
  }

  function tell(slot: Slot, message: Extract<FromWorker, { op: 'rows' }>): void {
    const watch = watches.get(message.id)
    if (watch === undefined) return
    if (!watch.watcher.ready()) {
      setTimeout(tell, RETRY_MS, slot, message)
      return
    }
    if (message.last !== undefined) watch.told.set(slot.index, message.last)
    watch.watcher.tell(message.json, message.last)
    slot.send({ op: 'more', id: message.id })
  }

  return {
    watch(watcher, { query, after }) {
      if (watches.size >= MAX_WATCHERS) throw new RangeError(`at most ${MAX_WATCHERS} may watch at once`)
      const id = next++
      const watch: Watch = { watcher, query, told: new Map(), after }
      watches.set(id, watch)
      for (const slot of slots) begin(slot, id, watch)
      return () => {
        watches.delete(id)
        for (const slot of slots) slot.send({ op: 'unwatch', id })
      }
    },
    watchers: () => watches.size,
    rows: tell,
    began(slot) {
      for (const [id, watch] of watches) begin(slot, id, watch)
    },
    close() {
      for (const { watcher } of watches.values()) watcher.end()
    }
  }
}
