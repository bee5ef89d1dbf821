import type { BufferPool } from '../../ingest/enrich/buffer-pool.ts'

const NOTHING: Buffer = Buffer.alloc(0)

/** What is said to come is made room for at once when so large a part of it is there, one in eight: Node reads 64 KB. */
const MAX_TRUST = 8

/** Bytes that come in pieces, kept as one: a list of a million tiny buffers weighs a hundred times what it holds. */
export class GrowingBytes {
  readonly #expected: number
  readonly #bufferPool: BufferPool
  #bytes: Buffer = NOTHING
  #length = 0

  /** @param expected how many there will be, where somebody has said so */
  constructor(expected: number, bufferPool: BufferPool) {
    this.#expected = expected
    this.#bufferPool = bufferPool
  }

  get length(): number {
    return this.#length
  }

  /** Keeps the first piece as it is, which is all of it most of the time. */
  add(piece: Buffer): void {
    const length = this.#length + piece.length
    if (this.#length === 0) this.#bytes = piece
    else {
      if (length > this.#bytes.length) this.#grow(length)
      piece.copy(this.#bytes, this.#length)
    }
    this.#length = length
  }

  /** All of it; afterwards there is nothing left. */
  take(): Buffer {
    const all = this.#bytes.subarray(0, this.#length)
    this.#bytes = NOTHING
    this.#length = 0
    return all
  }

  #grow(length: number): void {
    const isNear = length <= this.#expected && this.#expected <= length * MAX_TRUST
    const grown = this.#bufferPool.take(isNear ? this.#expected : Math.max(length, this.#bytes.length * 2))
    this.#bytes.copy(grown, 0, 0, this.#length)
    this.#bufferPool.release(this.#bytes)
    this.#bytes = grown
  }
}
