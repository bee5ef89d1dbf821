/**
 * Two independent 32-bit hashes of bytes [start, end) in one pass, each with MurmurHash3's mixing and final avalanche. They
 * are signed, because V8 stores signed 32-bit numbers without a heap object. of() leaves the halves in the object, so that
 * a look-up allocates nothing.
 */
export class IdHash {
  high = 0
  low = 0
  readonly #seedHigh: number
  readonly #seedLow: number

  /** @param seed two 32-bit numbers that make the hashes differ from one installation to the next */
  constructor(seed: readonly [number, number]) {
    this.#seedHigh = seed[0] | 0
    this.#seedLow = seed[1] | 0
  }

  /** Sets `high` and `low` to the hash of bytes [start, end). */
  of(bytes: Uint8Array, start: number, end: number): void {
    let high = this.#seedHigh
    let low = this.#seedLow
    for (let i = start; i < end; i++) {
      const byte = bytes[i] as number
      high = Math.imul(high ^ byte, 0x5bd1e995)
      high ^= high >>> 15
      low = Math.imul(low ^ byte, 0xcc9e2d51)
      low = (low << 13) | (low >>> 19)
    }
    this.high = avalanche(high ^ (end - start))
    this.low = avalanche(low ^ this.high)
  }
}

function avalanche(hash: number): number {
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
