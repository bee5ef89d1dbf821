import { randomUUID } from 'node:crypto'
import { withTimeout } from '../../durability/kafka/connect/with-timeout.ts'
import type { FleetRecord } from '../topics/reader.ts'
import type { FleetTopics } from '../topics/topics.ts'

export interface ClaimsOptions {
  readonly topics: FleetTopics
  /** How long a claim counts, in milliseconds. */
  readonly keepMs: number
  /** Milliseconds. */
  readonly monotonic: () => number
}

const KEY = /^claim\/([0-9a-f]{64})$/
/** Above this many claims the oldest are forgotten, about 200 bytes each. */
const MAX_CLAIMS = 100_000
/** Clocks of servers and brokers may differ by as much. */
const CLOCK_SKEW_MS = 60_000
/** A claim is given up if Kafka does not answer within this time, because a client waits for it. */
const TIMEOUT_MS = 2_000

interface Claim {
  readonly claimant: string
  readonly heardAt: number
}

/**
 * Things that only one server of a fleet may take, such as the id of an assertion. A claim is a record of the seen
 * topic with the key `claim/<SHA-256>`; its value is the claimant's UUID. The first record of a key wins. All servers
 * read the topic in the same order, so they agree.
 */
export class Claims {
  readonly #options: ClaimsOptions
  readonly #claims = new Map<string, Claim>()
  /** Claims that Kafka has confirmed and that were not read back yet. */
  readonly #waiting = new Set<{ readonly offset: bigint; readonly resolve: () => void }>()
  #isFollowing = false
  #readTo = -1n

  constructor(options: ClaimsOptions) {
    this.#options = options
  }

  /**
   * Claims the thing with this SHA-256 (hex). Resolves with false if it is claimed already, here or elsewhere. Rejects
   * if Kafka does not store the claim and return it within 2 s. The first call starts to read the topic, until
   * the topics are closed.
   */
  async claim(digest: string): Promise<boolean> {
    this.#follow()
    const claimant = randomUUID()
    await withTimeout(this.#write(digest, claimant), TIMEOUT_MS)
    return this.#claims.get(digest)?.claimant === claimant
  }

  /** Writes the claim, and resolves when it and all records before it were read. */
  async #write(digest: string, claimant: string): Promise<void> {
    const { topics } = this.#options
    const value = Buffer.from(claimant)
    const offset = await topics.write(topics.names.seen, [{ key: `claim/${digest}`, value }])
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting.add({ offset, resolve })
    this.#wake()
    await promise
  }

  #follow(): void {
    if (this.#isFollowing) return
    this.#isFollowing = true
    const { topics, keepMs } = this.#options
    topics.read({
      topic: topics.names.seen,
      from: { time: Date.now() - keepMs - CLOCK_SKEW_MS },
      onRecords: records => this.#take(records)
    })
  }

  #take(records: readonly FleetRecord[]): void {
    for (const { key, value, offset } of records) {
      const [, digest] = KEY.exec(key) ?? []
      if (digest !== undefined && value !== null) this.#hear(digest, value.toString())
      this.#readTo = offset
    }
    this.#wake()
  }

  #wake(): void {
    for (const waiting of this.#waiting) {
      if (waiting.offset > this.#readTo) continue
      this.#waiting.delete(waiting)
      waiting.resolve()
    }
  }

  /** Oldest first: a claim is never moved. */
  #hear(digest: string, claimant: string): void {
    const now = this.#options.monotonic()
    for (const [oldest, { heardAt }] of this.#claims) {
      const isOver = now - heardAt > this.#options.keepMs + CLOCK_SKEW_MS || this.#claims.size >= MAX_CLAIMS
      if (!isOver) break
      this.#claims.delete(oldest)
    }
    if (!this.#claims.has(digest)) this.#claims.set(digest, { claimant, heardAt: now })
  }
}
