/** 8,192 ids, 64 KB: small enough for a source that sends little. */
const CHUNK_BITS = 13
const CHUNK_IDS = 1 << CHUNK_BITS
/** The halves of a hash. */
const WORDS = 2

const NO_CHUNK = new Int32Array(0)

/**
 * The hashes of remembered ids, first in, first out, in a ring of places from 0 on. A place stays an id's own until the
 * id goes. The ring is made of chunks: one is made when the newest id reaches it, so that growth copies nothing, and
 * let go when the oldest has left it, so that few ids need few chunks wherever in the ring they are.
 */
export class EntryRing {
  readonly #capacity: number
  readonly #chunks: Int32Array[]
  /** The chunk that was left last: the next one that is reached, so that a steady flow makes none. */
  #spare: Int32Array = NO_CHUNK
  #oldest = 0
  #count = 0

  /** @param capacity how many ids there is a place for */
  constructor(capacity: number) {
    this.#capacity = capacity
    this.#chunks = Array.from({ length: Math.ceil(capacity / CHUNK_IDS) }, () => NO_CHUNK)
  }

  /** How many ids there is a place for. */
  get capacity(): number {
    return this.#capacity
  }

  /** Ids in the ring. */
  get count(): number {
    return this.#count
  }

  get isFull(): boolean {
    return this.#count === this.#capacity
  }

  /** The place of the oldest id, if there is one. */
  get oldest(): number {
    return this.#oldest
  }

  get bytes(): number {
    return this.#chunks.reduce((sum, chunk) => sum + chunk.byteLength, this.#spare.byteLength)
  }

  highOf(place: number): number {
    return (this.#chunks[place >>> CHUNK_BITS] as Int32Array)[wordOffset(place)] as number
  }

  lowOf(place: number): number {
    return (this.#chunks[place >>> CHUNK_BITS] as Int32Array)[wordOffset(place) + 1] as number
  }

  /** Adds an id behind the newest; the ring must not be full. Returns its place. */
  append(high: number, low: number): number {
    const place = this.placeOf(this.#count)
    const chunk = this.#chunkFor(place >>> CHUNK_BITS)
    chunk[wordOffset(place)] = high
    chunk[wordOffset(place) + 1] = low
    this.#count++
    return place
  }

  removeOldest(): void {
    const place = this.#oldest
    this.#oldest = place + 1 < this.#capacity ? place + 1 : 0
    this.#count--
    if ((this.#oldest & (CHUNK_IDS - 1)) === 0) this.#leave(place >>> CHUNK_BITS)
  }

  #chunkFor(index: number): Int32Array {
    const chunk = this.#chunks[index] as Int32Array
    return chunk === NO_CHUNK ? this.#reach(index) : chunk
  }

  #reach(index: number): Int32Array {
    const chunk = this.#spare === NO_CHUNK ? new Int32Array(CHUNK_IDS * WORDS) : this.#spare
    this.#spare = NO_CHUNK
    this.#chunks[index] = chunk
    return chunk
  }

  #leave(index: number): void {
    // The newest ids may have come round to the chunk that the oldest leaves.
    if (this.#count > 0 && this.placeOf(this.#count - 1) >>> CHUNK_BITS === index) return
    this.#spare = this.#chunks[index] as Int32Array
    this.#chunks[index] = NO_CHUNK
  }

  /** The place of the nth id from the oldest on. */
  placeOf(n: number): number {
    const place = this.#oldest + n
    return place < this.#capacity ? place : place - this.#capacity
  }
}

/** Where in its chunk the words of a place begin. */
function wordOffset(place: number): number {
  return (place & (CHUNK_IDS - 1)) * WORDS
}
