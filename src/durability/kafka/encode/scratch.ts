/**
 * The most memory that is kept for the next request. A larger request gets memory of its own, which is freed after it.
 */
const MAX_KEPT_BYTES = 2 * 1024 * 1024
const FIRST_BYTES = 64 * 1024

/**
 * Memory for encoding that is used again for each request. New memory for every large request costs more than writing
 * to it: the system allocates it page by page, and its size makes the garbage collector run.
 */
export class Scratch {
  #bytes = Buffer.alloc(0)
  #taken = 0

  /** Everything that was taken may be overwritten from now on. */
  clear(): void {
    this.#taken = 0
  }

  /** Returns this many bytes, with arbitrary content. */
  take(length: number): Buffer {
    if (length > MAX_KEPT_BYTES) return Buffer.allocUnsafeSlow(length)
    if (this.#taken + length > this.#bytes.length) this.#grow(length)
    const from = this.#taken
    this.#taken += length
    return this.#bytes.subarray(from, this.#taken)
  }

  /** Bytes that were taken before stay valid, because nothing is written to the old memory any more. */
  #grow(length: number): void {
    const wanted = Math.max(length, 2 * this.#bytes.length, FIRST_BYTES)
    this.#bytes = Buffer.allocUnsafeSlow(Math.min(wanted, MAX_KEPT_BYTES))
    this.#taken = 0
  }
}
