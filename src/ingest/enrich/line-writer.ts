import type { BufferPool } from './buffer-pool.ts'
import { UNPOOLED_BUFFERS } from './buffer-pool.ts'
import { TIME_BYTES, writeTime } from '../parse/time.ts'

const LINE_FEED = 0x0a
const NOTHING = Buffer.alloc(0)

/**
 * Writes the records of one request as lines into one buffer, so that a log can write them with one call. The buffer is
 * replaced when it grows, so read `block` only after the last write.
 */
export class LineWriter {
  readonly #expectedBytes: number
  readonly #bufferPool: BufferPool
  #out: Buffer = NOTHING
  #at = 0

  /** @param bufferPool the pool of the buffer; the caller releases the buffer */
  constructor(expectedBytes: number, bufferPool = UNPOOLED_BUFFERS) {
    this.#expectedBytes = expectedBytes
    this.#bufferPool = bufferPool
  }

  /** The number of bytes written. */
  get length(): number {
    return this.#at
  }

  /** Copies bytes [start, end) unchanged. */
  copy(bytes: Buffer, start: number, end: number): void {
    this.#reserve(end - start)
    this.#at += bytes.copy(this.#out, this.#at, start, end)
  }

  /** Copies bytes [start, end) of valid JSON without the line breaks between its tokens. */
  copyAsLine(bytes: Buffer, start: number, end: number): void {
    this.#reserve(end - start)
    for (let from = start; from < end; from++) {
      const byte = bytes[from] as number
      if (byte !== 0x0a && byte !== 0x0d) this.#out[this.#at++] = byte
    }
  }

  /** Copies a few bytes, for which a loop is faster than a call of copy(). */
  short(bytes: Uint8Array, start = 0, end = bytes.length): void {
    this.#reserve(end - start)
    const out = this.#out
    let at = this.#at
    for (let from = start; from < end; from++) out[at++] = bytes[from] as number
    this.#at = at
  }

  /**
   * Writes an instant (milliseconds since the epoch) as RFC 3339.
   *
   * @param digits the digits of the fraction below milliseconds
   */
  time(instant: number, digits: Uint8Array): void {
    this.#reserve(TIME_BYTES)
    writeTime(this.#out, this.#at, instant)
    this.#at += TIME_BYTES
    if (digits.length === 0) return
    const zone = this.#out[--this.#at] as number
    this.short(digits)
    this.byte(zone)
  }

  byte(byte: number): void {
    this.#reserve(1)
    this.#out[this.#at++] = byte
  }

  /** Writes a text that must be ASCII; its characters are not checked. */
  ascii(text: string): void {
    this.#reserve(text.length)
    this.#at += this.#out.write(text, this.#at, 'latin1')
  }

  /** Writes any text as UTF-8. */
  text(text: string): void {
    // UTF-8 takes at most three bytes for a UTF-16 code unit.
    this.#reserve(text.length * 3)
    this.#at += this.#out.write(text, this.#at)
  }

  endLine(): void {
    this.byte(LINE_FEED)
  }

  /** The buffer with the written bytes; it may be longer than `length`. */
  get block(): Buffer {
    return this.#out
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#out.length) return
    const grown = this.#bufferPool.take(Math.max(this.#expectedBytes, this.#out.length * 2, this.#at + bytes))
    this.#out.copy(grown, 0, 0, this.#at)
    this.#bufferPool.release(this.#out)
    this.#out = grown
  }
}
