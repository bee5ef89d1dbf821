import { setTimeout as sleep } from 'node:timers/promises'
import type { FleetRecord } from '../topics/reader.ts'
import type { FleetReader } from '../topics/reader.ts'
import type { FleetTopics, FleetWrite } from '../topics/topics.ts'
import type { SeenBuffer } from './buffer.ts'
import { createSeenBuffer } from './buffer.ts'
import type { Seed } from './record.ts'
import { checkOf, readSeenRecord, seenRecords } from './record.ts'

export interface SeenStreamOptions {
  readonly topics: FleetTopics
  readonly seed: Seed
  /** A UUID of this server. Its workers have the same one, because they exchange ids directly. */
  readonly sender: string
  readonly log: { warn(fields: object, message: string): void }
}

/** Remembers ids that became durable elsewhere. */
export type RestoreIds = (name: string, entries: Uint8Array) => void

/** The first id after a pause is sent at once. Further ids wait until this time has passed since the last request. */
const COLLECT_MS = 20
/** The most requests that Kafka has not confirmed. Further ids wait in the buffer, which is bounded. */
const MAX_SENDING = 4
const AGAIN_MS = 500
/** The most records of one request to Kafka, far below the size that a broker accepts by default. */
const MAX_RECORDS_AT_ONCE = 2
/** The most bytes that are written at once. */
const FETCH_BYTES = 128 * 1024
/** A starting server reads the ids of this time. */
const LOOK_BACK_MS = 10 * 60 * 1000
/** A start waits this long for them. The rest is read while the server runs. */
const TIMEOUT_MS = 10_000
const LAST_FLUSH_MS = 1_000

/** Sends the messageIds that became durable here to the other servers of a fleet, and reads theirs. */
export class SeenStream {
  readonly add: SeenBuffer['add']
  readonly #options: SeenStreamOptions
  readonly #check: string
  readonly #buffer = createSeenBuffer()
  readonly #life = new AbortController()
  /** The requests that Kafka has not confirmed. */
  readonly #sending = new Set<Promise<void>>()
  #reader: FleetReader | undefined
  /** Monotonic milliseconds of the last request. */
  #sentAt = -Infinity
  #isScheduled = false
  #isLogged = false

  constructor(options: SeenStreamOptions) {
    this.#options = options
    this.#check = checkOf(options.seed)
    this.add = (name, high, low, unixSeconds) => {
      this.#buffer.add(name, high, low, unixSeconds)
      this.#schedule()
    }
  }

  /** Reads the latest ids of the others, then follows the topic. Resolves when the latest were read, at most after 10 s. */
  async follow(restore: RestoreIds): Promise<void> {
    const { topics } = this.#options
    this.#reader = topics.read({
      topic: topics.names.seen,
      from: { time: Date.now() - LOOK_BACK_MS },
      maxBytes: FETCH_BYTES,
      onRecords: records => this.#take(records, restore)
    })
    await Promise.race([this.#reader.caughtUp(), sleep(TIMEOUT_MS, undefined, { ref: false })])
  }

  /** Sends the remaining ids. Waits for Kafka's confirmation for at most 1 s. */
  async close(): Promise<void> {
    const ended = new AbortController()
    const timeout = sleep(LAST_FLUSH_MS, undefined, { signal: ended.signal }).catch(() => undefined)
    await Promise.race([this.#sendRest(), timeout])
    ended.abort()
    this.#life.abort()
    await this.#reader?.close()
  }

  async #sendRest(): Promise<void> {
    while (!this.#life.signal.aborted && (this.#sending.size > 0 || !this.#buffer.isEmpty)) {
      this.#flush()
      await Promise.race(this.#sending)
    }
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    const flush = (): void => {
      this.#isScheduled = false
      this.#flush()
    }
    const early = this.#sentAt + COLLECT_MS - performance.now()
    if (early > 0) setTimeout(flush, early).unref()
    // After this turn of the event loop, so that all its ids share the request.
    else setImmediate(flush)
  }

  /**
   * Sends the collected ids while earlier requests are in flight: an id does not wait until Kafka has confirmed the ids before
   * it. The order of ids does not matter.
   */
  #flush(): void {
    if (this.#buffer.isEmpty || this.#sending.size >= MAX_SENDING) return
    this.#sentAt = performance.now()
    const records = seenRecords(this.#buffer.take(), { check: this.#check, sender: this.#options.sender })
    const sending = this.#sendAll(records).finally(() => {
      this.#sending.delete(sending)
      if (!this.#buffer.isEmpty) this.#schedule()
    })
    this.#sending.add(sending)
  }

  async #sendAll(records: FleetWrite[]): Promise<void> {
    while (records.length > 0) await this.#send(records.splice(0, MAX_RECORDS_AT_ONCE))
  }

  /** Sends records until Kafka has confirmed them or the server stops. */
  async #send(records: readonly FleetWrite[]): Promise<void> {
    const { topics } = this.#options
    const { signal } = this.#life
    while (!signal.aborted) {
      try {
        await topics.write(topics.names.seen, records)
        return
      } catch {
        // Other parts report that Kafka cannot be reached.
        await sleep(AGAIN_MS, undefined, { signal }).catch(() => undefined)
      }
    }
  }

  #take(records: readonly FleetRecord[], restore: RestoreIds): void {
    for (const record of records) {
      const seen = readSeenRecord(record)
      if (seen === undefined || seen.sender === this.#options.sender) continue
      if (seen.check === this.#check) restore(seen.name, seen.entries)
      else this.#logOtherSeed()
    }
  }

  #logOtherSeed(): void {
    if (this.#isLogged) return
    this.#isLogged = true
    this.#options.log.warn(
      {},
      'another server of the fleet hashes messageIds with another seed: they are not shared with it until this server or that one is started again'
    )
  }
}
