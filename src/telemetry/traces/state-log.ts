/** After a line, changes are counted for this long before the next line. */
const PAUSE_MS = 60_000

/** The part of the logger that is used here. */
export interface TraceLog {
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
}

/** Logs whether spans can be exported: one line for a change, at most one a minute, however often it changes. */
export class StateLog {
  readonly #log: TraceLog
  readonly #url: string
  #isFailing = false
  #reason = ''
  /** Changes since the last line. */
  #changes = 0
  /** Runs while no line may be written. */
  #pause: NodeJS.Timeout | undefined

  constructor(log: TraceLog, url: string) {
    this.#log = log
    this.#url = url
  }

  /** Notes how an export ended. @param reason undefined: it did not fail */
  note(reason: string | undefined): void {
    if (reason !== undefined) this.#reason = reason
    const isFailing = reason !== undefined
    if (isFailing === this.#isFailing) return
    this.#isFailing = isFailing
    this.#changes++
    if (this.#pause === undefined) this.#write()
  }

  /** Writes the line that the pause has held back. */
  close(): void {
    clearTimeout(this.#pause)
    if (this.#changes > 0) this.#write()
    clearTimeout(this.#pause)
  }

  #write(): void {
    const facts = { url: this.#url, ...(this.#changes > 1 ? { changes: this.#changes } : {}) }
    this.#changes = 0
    if (this.#isFailing) {
      this.#log.warn({ ...facts, reason: this.#reason }, 'spans cannot be exported; requests are answered as before')
    } else {
      this.#log.info(facts, 'spans are exported again')
    }
    this.#pause = setTimeout(() => {
      this.#pause = undefined
      if (this.#changes > 0) this.#write()
    }, PAUSE_MS).unref()
  }
}
