import { CLOSE_BRACE, COMMA, OPEN_BRACE } from '../parse/json-bytes.ts'
import type { LineWriter } from './line-writer.ts'
import type { Scan } from '../parse/scan-result.ts'

/** Copies an object's members in runs as long as possible, dropping or replacing some, and keeps the commas right. */
export class ObjectCopy {
  readonly #writer: LineWriter
  readonly #bytes: Buffer
  readonly #asLine: boolean
  #runStart = -1
  #runEnd = -1
  isEmpty = true

  /** @param hasLineBreaks line breaks stand between tokens of what is copied: they are left out */
  constructor(writer: LineWriter, bytes: Buffer, hasLineBreaks: boolean) {
    this.#writer = writer
    this.#bytes = bytes
    this.#asLine = hasLineBreaks
    writer.byte(OPEN_BRACE)
  }

  keep(scan: Scan, place: number): void {
    if (this.#runStart < 0) this.#runStart = scan.startAt(place)
    this.#runEnd = scan.valueEndAt(place)
  }

  /** Keeps a member whose value is an object, but for its closing brace, in place of which `end` is written. */
  keepToBrace(scan: Scan, place: number, end: Buffer): void {
    this.keep(scan, place)
    this.#runEnd--
    this.flush()
    this.#writer.short(end)
  }

  drop(): void {
    this.flush()
  }

  replace(key: string, writeValue: () => void): void {
    this.flush()
    this.#separate()
    this.#writer.ascii(key)
    writeValue()
  }

  flush(): void {
    if (this.#runStart < 0) return
    this.#separate()
    if (this.#asLine) this.#writer.copyAsLine(this.#bytes, this.#runStart, this.#runEnd)
    else this.#writer.copy(this.#bytes, this.#runStart, this.#runEnd)
    this.#runStart = -1
  }

  /** Everything is copied: the closing brace. */
  end(): void {
    this.flush()
    this.#writer.byte(CLOSE_BRACE)
  }

  #separate(): void {
    if (!this.isEmpty) this.#writer.byte(COMMA)
    this.isEmpty = false
  }
}
