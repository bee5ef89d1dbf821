import { CLOSE_BRACE, COMMA, OPEN_BRACE } from '../parse/json-bytes.ts'
import type { LineWriter } from './line-writer.ts'
import type { Scan } from '../parse/scan-result.ts'

/** Copies the members of an object in runs that are as long as possible, drops or replaces some, and writes the commas. */
export class ObjectCopy {
  readonly #writer: LineWriter
  readonly #bytes: Buffer
  readonly #asLine: boolean
  #runStart = -1
  #runEnd = -1
  isEmpty = true

  /** @param hasLineBreaks the object has line breaks between tokens, which are left out */
  constructor(writer: LineWriter, bytes: Buffer, hasLineBreaks: boolean) {
    this.#writer = writer
    this.#bytes = bytes
    this.#asLine = hasLineBreaks
    writer.byte(OPEN_BRACE)
  }

  /** Adds a member to the current run. */
  keep(scan: Scan, place: number): void {
    if (this.#runStart < 0) this.#runStart = scan.startAt(place)
    this.#runEnd = scan.valueEndAt(place)
  }

  /** Keeps a member whose value is an object, and writes `end` in place of the closing brace of the object. */
  keepToBrace(scan: Scan, place: number, end: Buffer): void {
    this.keep(scan, place)
    this.#runEnd--
    this.flush()
    this.#writer.short(end)
  }

  /** Leaves a member out: ends the current run. */
  drop(): void {
    this.flush()
  }

  /** Writes a new member. @param key in JSON, with its colon, ASCII only */
  replace(key: string, writeValue: () => void): void {
    this.flush()
    this.#separate()
    this.#writer.ascii(key)
    writeValue()
  }

  /** Writes the current run. */
  flush(): void {
    if (this.#runStart < 0) return
    this.#separate()
    if (this.#asLine) this.#writer.copyAsLine(this.#bytes, this.#runStart, this.#runEnd)
    else this.#writer.copy(this.#bytes, this.#runStart, this.#runEnd)
    this.#runStart = -1
  }

  /** Writes the current run and the closing brace. */
  end(): void {
    this.flush()
    this.#writer.byte(CLOSE_BRACE)
  }

  #separate(): void {
    if (!this.isEmpty) this.#writer.byte(COMMA)
    this.isEmpty = false
  }
}
