import type { FromPrimary, FromWorker } from './messages.ts'
import type { Seqs } from './seqs.ts'
import type { Watcher } from './view/feed.ts'

/** The live stream of this worker, in the form of its debugger's. */
export type WatchOwn = (query: string, watcher: Watcher, fromSeq: number) => () => void

/** The most batches in flight to the primary for one reader. */
const CREDIT = 2

/** The readers that watch this worker through the primary. */
export function createWatches(options: {
  readonly watch: WatchOwn
  readonly nextLocal: () => number
  readonly seqs: Seqs
  readonly index: number
  readonly send: (message: FromWorker) => Promise<void>
}) {
  const { watch, nextLocal, seqs, index, send } = options
  const open = new Map<number, { credit: number; stop: () => void }>()

  function stop(id: number): void {
    open.get(id)?.stop()
    open.delete(id)
  }

  function begin({ id, query, after }: Extract<FromPrimary, { op: 'watch' }>): void {
    stop(id)
    const from = after === undefined ? nextLocal() : seqs.toLocalAfter(after) + 1
    const state = { credit: CREDIT, stop: () => undefined as void }
    const watcher = {
      ready: () => state.credit > 0,
      send(json: string, lastSeq: number | undefined) {
        state.credit--
        const last = lastSeq === undefined ? {} : { last: seqs.toGlobal(lastSeq) }
        void send({ op: 'rows', id, json: shared(json), ...last })
      },
      end: () => undefined
    }
    try {
      state.stop = watch(query, watcher, from)
      open.set(id, state)
    } catch {
      // Too many watchers, or an invalid filter: the reader gets rows of other workers, or was refused by the primary.
    }
  }

  function shared(json: string): string {
    const { rows, skipped, skippedFrom } = JSON.parse(json) as {
      rows: { seq: number }[]
      skipped: number
      skippedFrom: number
    }
    return JSON.stringify({
      rows: rows.map(row => ({ ...row, seq: seqs.toGlobal(row.seq), worker: index })),
      skipped,
      skippedFrom: seqs.toGlobal(skippedFrom)
    })
  }

  return {
    begin,
    stop,
    more(id: number): void {
      const state = open.get(id)
      if (state !== undefined) state.credit++
    }
  }
}
