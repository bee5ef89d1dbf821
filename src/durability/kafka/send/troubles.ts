import type { KafkaLog } from '../options.ts'

/** A trouble that returns within this many milliseconds counts as one: the log says neither its end nor a new start. */
const QUIET_MS = 5_000

interface Trouble {
  words: string
  identity: string
  /** performance.now() at which the trouble last ended; undefined while it lasts. */
  clearedAt: number | undefined
}

/** Troubles with a name and an address. Each is logged once when it begins and once when it ends. */
export class Troubles {
  readonly #known = new Map<string, Trouble>()
  readonly #log: KafkaLog
  readonly #quietMs: number
  readonly #timer: NodeJS.Timeout

  constructor(log: KafkaLog, quietMs = QUIET_MS) {
    this.#log = log
    this.#quietMs = quietMs
    this.#timer = setInterval(() => this.#sweep(), quietMs / 5).unref()
  }

  /**
   * @param key what the trouble is about; a new trouble with the same key replaces the old one
   * @param identity the log has a new line if this differs; default: the words
   */
  set(key: string, words: string, identity = words): void {
    if (this.#known.get(key)?.identity !== identity) this.#log.warn(words)
    this.#known.set(key, { words, identity, clearedAt: undefined })
  }

  /** The trouble has ended, unless it returns within QUIET_MS. */
  clear(key: string): void {
    const trouble = this.#known.get(key)
    if (trouble !== undefined) trouble.clearedAt ??= performance.now()
  }

  /** The troubles that have not ended, in words. */
  list(): string[] {
    return [...this.#known.values()].filter(({ clearedAt }) => clearedAt === undefined).map(({ words }) => words)
  }

  #sweep(): void {
    const now = performance.now()
    for (const [key, { clearedAt, words }] of this.#known) {
      if (clearedAt === undefined || now - clearedAt < this.#quietMs) continue
      this.#known.delete(key)
      this.#log.info(`over: ${words}`)
    }
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}
