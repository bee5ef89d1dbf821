/** What is kept for the next time; a request beyond the usual limit gets bytes of its own, and they go with it. */
const MAX_KEPT_BYTES = 2 * 1024 * 1024
const FIRST_BYTES = 64 * 1024

/**
 * Bytes to write in that are the same ones each time. New memory for every large request is more than its writing: the
 * system hands it out page by page, and the collector is driven by its weight.
 */
export class Scratch {
  #bytes = Buffer.alloc(0)
  #taken = 0

  /** Everything that was taken may be overwritten from now on. */
  clear(): void {
    this.#taken = 0
  }

  /** So many bytes, with anything in them. */
  take(length: number): Buffer {
    if (length > MAX_KEPT_BYTES) return Buffer.allocUnsafeSlow(length)
    if (this.#taken + length > this.#bytes.length) this.#grow(length)
    const from = this.#taken
    this.#taken += length
    return this.#bytes.subarray(from, this.#taken)
  }

  /** What was taken from the old bytes stays as it is, since nobody writes there again. */
  #grow(length: number): void {
    const wanted = Math.max(length, 2 * this.#bytes.length, FIRST_BYTES)
    this.#bytes = Buffer.allocUnsafeSlow(Math.min(wanted, MAX_KEPT_BYTES))
    this.#taken = 0
  }
}
