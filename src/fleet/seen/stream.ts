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

/** Ids are sent this long after they were added, if Kafka is fast. */
const COLLECT_MS = 20
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
  #reader: FleetReader | undefined
  #sending: Promise<void> | undefined
  #isLogged = false

  constructor(options: SeenStreamOptions) {
    this.#options = options
    this.#check = checkOf(options.seed)
    this.add = (name, high, low, unixSeconds) => {
      this.#buffer.add(name, high, low, unixSeconds)
      this.#sending ??= this.#sendAll()
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

  /** Sends the remaining ids, if Kafka accepts them in time. */
  async close(): Promise<void> {
    await Promise.race([this.#sending, sleep(LAST_FLUSH_MS, undefined, { ref: false })])
    this.#life.abort()
    await Promise.all([this.#sending, this.#reader?.close()])
  }

  /** One request at a time: while Kafka does not answer, ids wait in the buffer, which is bounded. */
  async #sendAll(): Promise<void> {
    while (!this.#buffer.isEmpty) {
      await sleep(COLLECT_MS)
      const records = seenRecords(this.#buffer.take(), { check: this.#check, sender: this.#options.sender })
      while (records.length > 0) await this.#send(records.splice(0, MAX_RECORDS_AT_ONCE))
    }
    this.#sending = undefined
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
