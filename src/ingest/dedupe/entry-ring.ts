/** 8,192 ids or 64 KB, which is small enough for a source with few events. */
const CHUNK_BITS = 13
const CHUNK_IDS = 1 << CHUNK_BITS
/** 32-bit words of an id: the halves of its hash. */
const WORDS = 2

const NO_CHUNK = new Int32Array(0)

/**
 * The hashes of remembered ids, first in, first out, in a ring of places from 0 on. An id keeps its place until it is
 * removed. The ring consists of chunks. A chunk is allocated when the newest id reaches it, so that growth copies nothing,
 * and freed when the oldest id has left it, so that few ids need few chunks.
 */
export class EntryRing {
  readonly #capacity: number
  readonly #chunks: Int32Array[]
  /** The chunk that was freed last. It is reused for the next chunk, so that a steady flow allocates none. */
  #spare: Int32Array = NO_CHUNK
  #oldest = 0
  #count = 0

  /** @param capacity the most ids */
  constructor(capacity: number) {
    this.#capacity = capacity
    this.#chunks = Array.from({ length: Math.ceil(capacity / CHUNK_IDS) }, () => NO_CHUNK)
  }

  /** The most ids that the ring can hold. */
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

  /** The high half of the hash at a place. */
  highOf(place: number): number {
    return (this.#chunks[place >>> CHUNK_BITS] as Int32Array)[wordOffset(place)] as number
  }

  /** The low half of the hash at a place. */
  lowOf(place: number): number {
    return (this.#chunks[place >>> CHUNK_BITS] as Int32Array)[wordOffset(place) + 1] as number
  }

  /** Adds the newest id and returns its place; the ring must not be full. */
  append(high: number, low: number): number {
    const place = this.placeOf(this.#count)
    const chunk = this.#chunkFor(place >>> CHUNK_BITS)
    chunk[wordOffset(place)] = high
    chunk[wordOffset(place) + 1] = low
    this.#count++
    return place
  }

  /** Removes the oldest id; there must be one. */
  removeOldest(): void {
    const place = this.#oldest
    this.#oldest = place + 1 < this.#capacity ? place + 1 : 0
    this.#count--
    if ((this.#oldest & (CHUNK_IDS - 1)) === 0) this.#free(place >>> CHUNK_BITS)
  }

  #chunkFor(index: number): Int32Array {
    const chunk = this.#chunks[index] as Int32Array
    return chunk === NO_CHUNK ? this.#allocate(index) : chunk
  }

  #allocate(index: number): Int32Array {
    const chunk = this.#spare === NO_CHUNK ? new Int32Array(CHUNK_IDS * WORDS) : this.#spare
    this.#spare = NO_CHUNK
    this.#chunks[index] = chunk
    return chunk
  }

  #free(index: number): void {
    // The newest ids may have wrapped around into the chunk that the oldest id leaves.
    if (this.#count > 0 && this.placeOf(this.#count - 1) >>> CHUNK_BITS === index) return
    this.#spare = this.#chunks[index] as Int32Array
    this.#chunks[index] = NO_CHUNK
  }

  /** The place of the nth id, counted from the oldest. */
  placeOf(n: number): number {
    const place = this.#oldest + n
    return place < this.#capacity ? place : place - this.#capacity
  }
}

/** The index of a place's first word in its chunk. */
function wordOffset(place: number): number {
  return (place & (CHUNK_IDS - 1)) * WORDS
}
