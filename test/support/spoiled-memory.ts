import type { BufferPool } from '../../src/ingest/enrich/buffer-pool.ts'
import { RecyclingBufferPool } from '../../src/ingest/enrich/buffer-pool.ts'

/** A buffer pool that overwrites memory when it is released, so that any later reader of it fails. */
export function createSpoiledMemory(): BufferPool & { readonly spoiled: () => number } {
  const memory = new RecyclingBufferPool()
  let spoiled = 0
  return {
    take: bytes => memory.take(bytes),
    release(buffer) {
      const before = memory.keptBytes
      memory.release(buffer)
      if (memory.keptBytes === before) return
      Buffer.from(buffer.buffer).fill('!')
      spoiled++
    },
    spoiled: () => spoiled
  }
}
