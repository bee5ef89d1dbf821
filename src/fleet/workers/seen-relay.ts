import type { SeenBatch } from '../seen/buffer.ts'
import type { Slot } from './slot.ts'

/** Sends each worker the messageIds that the others made durable. */
export interface SeenRelay {
  heard(from: Slot, batches: readonly SeenBatch[]): void
  /** The latest ids, which may be in no journal yet when a worker starts. */
  recent(): readonly SeenBatch[]
}

/** Each worker gets one message in this time, however many workers have sent ids. */
const RELAY_MS = 25
/** Journals are flushed each 100 ms; a disk that is slow may take longer. */
const RECENT_MS = 2_000
const MAX_RECENT_BYTES = 4 * 1024 * 1024

export function createSeenRelay(slots: () => readonly Slot[]): SeenRelay {
  let waiting: { readonly from: number; readonly batches: readonly SeenBatch[] }[] = []
  let recent: { readonly at: number; readonly bytes: number; readonly batch: SeenBatch }[] = []
  let recentBytes = 0
  let timer: NodeJS.Timeout | undefined

  function relay(): void {
    timer = undefined
    const relayed = waiting
    waiting = []
    for (const slot of slots()) {
      const batches = relayed.filter(({ from }) => from !== slot.index).flatMap(({ batches }) => batches)
      if (batches.length > 0 && slot.isStarted) slot.send({ op: 'seen', batches })
    }
  }

  function remember(batch: SeenBatch): void {
    const at = performance.now()
    recent.push({ at, bytes: batch.entries.length, batch })
    recentBytes += batch.entries.length
    let old = 0
    for (const { at: then, bytes } of recent) {
      if (at - then < RECENT_MS && recentBytes <= MAX_RECENT_BYTES) break
      recentBytes -= bytes
      old++
    }
    if (old > 0) recent = recent.slice(old)
  }

  return {
    heard({ index }, batches) {
      waiting.push({ from: index, batches })
      batches.forEach(remember)
      timer ??= setTimeout(relay, RELAY_MS)
    },
    recent: () => recent.map(({ batch }) => batch)
  }
}
