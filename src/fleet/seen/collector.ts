import type { SeenBatch, SeenBuffer } from './buffer.ts'
import { createSeenBuffer } from './buffer.ts'

export interface SeenCollector extends Pick<SeenBuffer, 'add'> {
  /** Sends the collected ids now. */
  flush(): void
}

const FLUSH_MS = 50

/** Collects ids, and sends them 20 times a second if there are any. */
export function createSeenCollector(send: (batches: readonly SeenBatch[]) => void): SeenCollector {
  const { add, take } = createSeenBuffer()

  function flush(): void {
    const batches = take()
    if (batches.length > 0) send(batches)
  }

  setInterval(flush, FLUSH_MS).unref()
  return { add, flush }
}
