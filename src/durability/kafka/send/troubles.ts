import type { KafkaLog } from '../options.ts'

/** A trouble that returns within this many milliseconds counts as one: the log says neither its end nor a new start. */
const QUIET_MS = 5_000

/** Troubles with a name and an address. Each is logged once when it begins and once when it ends. */
export interface Troubles {
  /**
   * @param key what the trouble is about; a new trouble with the same key replaces the old one
   * @param identity the log has a new line if this differs; default: the words
   */
  set(key: string, words: string, identity?: string): void
  /** The trouble has ended, unless it returns within QUIET_MS. */
  clear(key: string): void
  /** The troubles that have not ended, in words. */
  list(): string[]
  stop(): void
}

interface Trouble {
  words: string
  identity: string
  /** performance.now() at which the trouble last ended; undefined while it lasts. */
  clearedAt: number | undefined
}

export function createTroubles(log: KafkaLog, quietMs = QUIET_MS): Troubles {
  const known = new Map<string, Trouble>()

  function sweep(): void {
    const now = performance.now()
    for (const [key, { clearedAt, words }] of known) {
      if (clearedAt === undefined || now - clearedAt < quietMs) continue
      known.delete(key)
      log.info(`over: ${words}`)
    }
  }

  const timer = setInterval(sweep, quietMs / 5).unref()

  return {
    set(key, words, identity = words) {
      if (known.get(key)?.identity !== identity) log.warn(words)
      known.set(key, { words, identity, clearedAt: undefined })
    },
    clear(key) {
      const trouble = known.get(key)
      if (trouble !== undefined) trouble.clearedAt ??= performance.now()
    },
    list: () => [...known.values()].filter(({ clearedAt }) => clearedAt === undefined).map(({ words }) => words),
    stop: () => clearInterval(timer)
  }
}
