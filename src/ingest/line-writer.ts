const LINE_FEED = 0x0a

/**
 * Writes the records of one request as lines, side by side in one buffer, so that a log can write them in one piece
 * and each record is a view of it. Lines are handed out by `lines()` at the end: the buffer may move while it grows.
 */
export class LineWriter {
  #out: Buffer
  #at = 0
  readonly #ends: number[] = []

  constructor(expectedBytes: number) {
    this.#out = Buffer.allocUnsafe(expectedBytes)
  }

  get length(): number {
    return this.#at
  }

  /** Copies bytes [start, end) as they are. */
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

  byte(byte: number): void {
    this.#reserve(1)
    this.#out[this.#at++] = byte
  }

  /** Text that is known to be ASCII: written without looking at each character. */
  ascii(text: string): void {
    this.#reserve(text.length)
    this.#at += this.#out.write(text, this.#at, 'latin1')
  }

  text(text: string): void {
    // Three bytes are the most that UTF-8 takes for one UTF-16 unit.
    this.#reserve(text.length * 3)
    this.#at += this.#out.write(text, this.#at)
  }

  endLine(): void {
    this.byte(LINE_FEED)
    this.#ends.push(this.#at)
  }

  /** Every line, its line feed included, in the order written. */
  lines(): Buffer[] {
    let start = 0
    return this.#ends.map(end => {
      const line = this.#out.subarray(start, end)
      start = end
      return line
    })
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#out.length) return
    const grown = Buffer.allocUnsafe(Math.max(this.#out.length * 2, this.#at + bytes))
    this.#out.copy(grown, 0, 0, this.#at)
    this.#out = grown
  }
}
