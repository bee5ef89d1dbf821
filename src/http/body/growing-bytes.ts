import type { BufferPool } from '../../ingest/enrich/buffer-pool.ts'

const NOTHING: Buffer = Buffer.alloc(0)

/** Once an eighth of the announced length has arrived, a buffer for all of it is taken; Node reads 64 KB at a time. */
const MAX_TRUST = 8

/** One buffer for bytes that arrive in pieces: a list of a million tiny buffers takes a hundred times as much memory. */
export class GrowingBytes {
  readonly #expected: number
  readonly #bufferPool: BufferPool
  #bytes: Buffer = NOTHING
  #length = 0

  /** @param expected the announced length in bytes; 0 if unknown */
  constructor(expected: number, bufferPool: BufferPool) {
    this.#expected = expected
    this.#bufferPool = bufferPool
  }

  get length(): number {
    return this.#length
  }

  /** Keeps the first piece without a copy; most bodies consist of one piece. */
  add(piece: Buffer): void {
    const length = this.#length + piece.length
    if (this.#length === 0) this.#bytes = piece
    else {
      if (length > this.#bytes.length) this.#grow(length)
      piece.copy(this.#bytes, this.#length)
    }
    this.#length = length
  }

  /** Returns all bytes and leaves the buffer empty. */
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
