import type { Memory } from '../../src/ingest/enrich/memory.ts'
import { RecycledMemory } from '../../src/ingest/enrich/memory.ts'

/** Recycled memory whose bytes are spoiled as soon as they are given back: whoever still reads them shows. */
export function createSpoiledMemory(): Memory & { readonly spoiled: () => number } {
  const memory = new RecycledMemory()
  let spoiled = 0
  return {
    take: bytes => memory.take(bytes),
    giveBack(buffer) {
      const before = memory.keptBytes
      memory.giveBack(buffer)
      if (memory.keptBytes === before) return
      Buffer.from(buffer.buffer).fill('!')
      spoiled++
    },
    spoiled: () => spoiled
  }
}
