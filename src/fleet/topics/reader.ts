import { setTimeout as sleep } from 'node:timers/promises'
import { Consumer, ListOffsetTimestamps } from '@platformatic/kafka'
import type { BaseOptions } from '@platformatic/kafka'

/** One record of a fleet's topic. */
export interface FleetRecord {
  readonly offset: bigint
  /** Milliseconds since the epoch, by the broker's clock. */
  readonly at: number
  readonly key: string
  /** Null: a tombstone. */
  readonly value: Buffer | null
}

/** The position where reading begins. `time` is in milliseconds since the epoch. */
export type ReadFrom = 'beginning' | 'end' | { readonly time: number } | { readonly offset: bigint }

export interface ReaderOptions {
  readonly topic: string
  readonly from: ReadFrom
  /** The most bytes of one answer, unless a single batch is larger; default 4 MiB. */
  readonly maxBytes?: number
  /**
   * Called with records in the order of the topic. A topic that was deleted and created again is read from its
   * beginning.
   */
  readonly onRecords: (records: readonly FleetRecord[]) => void
  /** Called once, when onRecords was called with everything that was in the topic when reading began. */
  readonly onCaughtUp?: () => void
  /** Called for each failure; reading continues by itself. */
  readonly onTrouble?: (error: unknown) => void
}

/** Reads the one partition of a topic in order, without a consumer group, until it is closed. */
export interface FleetReader {
  /** Milliseconds since the broker last answered; Infinity before the first answer. */
  silentMs(): number
  /** Whether all records that existed at the beginning were read. */
  readonly isCaughtUp: boolean
  /** Resolves when it has caught up. */
  caughtUp(): Promise<void>
  close(): Promise<void>
}

/** The broker answers an empty fetch after this time. */
const MAX_WAIT_MS = 500
const MAX_BYTES = 4 * 1024 * 1024
const FIRST_BACKOFF_MS = 100
const MAX_BACKOFF_MS = 1_000
/** Kafka's error codes. */
const OFFSET_OUT_OF_RANGE = 1

type FetchResponse = Awaited<ReturnType<Consumer['fetch']>>
type FetchedPartition = FetchResponse['responses'][number]['partitions'][number]

/** A topic at one moment. */
interface Place {
  readonly topicId: string
  readonly leader: number
}

/** Starts reading, and continues after every failure. */
export function openReader(client: BaseOptions, options: ReaderOptions): FleetReader {
  return new TopicReader(client, options)
}

class TopicReader implements FleetReader {
  readonly #client: BaseOptions
  readonly #options: ReaderOptions
  readonly #whenCaughtUp = Promise.withResolvers<void>()
  readonly #life = new AbortController()
  readonly #running: Promise<void>
  /** The offset that is read next; undefined before the first answer. */
  #next: bigint | undefined
  #lastTopicId: string | undefined
  #lastAnswer = -Infinity
  #isCaughtUp = false

  constructor(client: BaseOptions, options: ReaderOptions) {
    this.#client = client
    this.#options = options
    this.#running = this.#run()
  }

  readonly silentMs = (): number => performance.now() - this.#lastAnswer

  get isCaughtUp(): boolean {
    return this.#isCaughtUp
  }

  readonly caughtUp = (): Promise<void> => this.#whenCaughtUp.promise

  async close(): Promise<void> {
    this.#life.abort()
    await this.#running
  }

  get #isClosed(): boolean {
    return this.#life.signal.aborted
  }

  async #run(): Promise<void> {
    const { signal } = this.#life
    let pauseMs = FIRST_BACKOFF_MS
    while (!this.#isClosed) {
      const consumer = new Consumer({ ...this.#client, groupId: `${this.#client.clientId}-fleet`, retries: 1 })
      const stop = (): void => void consumer.close(true).catch(() => undefined)
      signal.addEventListener('abort', stop)
      const since = performance.now()
      try {
        await this.#readOn(consumer)
      } catch (error) {
        if (!this.#isClosed) this.#options.onTrouble?.(error)
      } finally {
        signal.removeEventListener('abort', stop)
        stop()
      }
      pauseMs = this.#lastAnswer > since ? FIRST_BACKOFF_MS : Math.min(pauseMs * 2, MAX_BACKOFF_MS)
      await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => undefined)
    }
  }

  async #readOn(consumer: Consumer): Promise<void> {
    const { topic, from, maxBytes = MAX_BYTES } = this.#options
    const place = await locate(consumer, topic)
    if (this.#lastTopicId !== undefined && this.#lastTopicId !== place.topicId) this.#next = 0n
    this.#lastTopicId = place.topicId
    this.#next ??= await offsetOf(consumer, topic, from)
    while (!this.#isClosed) this.#take(await fetchOne(consumer, place, this.#next, maxBytes), place)
  }

  #take({ responses }: FetchResponse, { topicId }: Place): void {
    if (this.#isClosed) return
    this.#lastAnswer = performance.now()
    const partition = responses.find(one => one.topicId === topicId)?.partitions[0]
    if (partition === undefined) return
    const { topic } = this.#options
    if (partition.errorCode === OFFSET_OUT_OF_RANGE) {
      // Retention has removed the next record.
      this.#next = partition.logStartOffset >= 0n ? partition.logStartOffset : 0n
      throw new Error(`${topic}: the place to read from is gone`)
    }
    if (partition.errorCode !== 0) throw new Error(`${topic}: error ${partition.errorCode}`)
    const { records, next } = recordsOf(partition, this.#next ?? 0n)
    this.#next = next
    if (records.length > 0) this.#options.onRecords(records)
    if (this.#isCaughtUp || next < partition.highWatermark) return
    this.#isCaughtUp = true
    this.#options.onCaughtUp?.()
    this.#whenCaughtUp.resolve()
  }
}

/** The records from an offset on. A broker answers with whole batches, which may begin before the offset. */
function recordsOf(partition: FetchedPartition, from: bigint): { records: readonly FleetRecord[]; next: bigint } {
  const records: FleetRecord[] = []
  let next = from
  for (const batch of partition.records ?? []) {
    const at = Number(batch.maxTimestamp)
    for (const { offsetDelta, key, value } of batch.records) {
      const offset = batch.firstOffset + BigInt(offsetDelta)
      if (offset >= from) records.push({ offset, at, key: key?.toString() ?? '', value })
    }
    const after = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n
    if (after > next) next = after
  }
  return { records, next }
}

async function locate(consumer: Consumer, topic: string): Promise<Place> {
  const metadata = await consumer.metadata({ topics: [topic], forceUpdate: true })
  const known = metadata.topics.get(topic)
  const leader = known?.partitions[0]?.leader ?? -1
  if (known === undefined || leader < 0) throw new Error(`${topic}: its partition has no leader`)
  return { topicId: known.id, leader }
}

async function offsetOf(consumer: Consumer, topic: string, from: ReadFrom): Promise<bigint> {
  if (typeof from === 'object' && 'offset' in from) return from.offset
  const ask = async (timestamp: bigint): Promise<bigint> =>
    (await consumer.listOffsets({ topics: [topic], timestamp })).get(topic)?.[0] ?? -1n
  if (from === 'beginning') return await ask(ListOffsetTimestamps.EARLIEST)
  if (from === 'end') return await ask(ListOffsetTimestamps.LATEST)
  // The end comes first: a record that is written between the two answers is found by its time, or is after that end.
  const end = await ask(ListOffsetTimestamps.LATEST)
  const found = await ask(BigInt(from.time))
  return found >= 0n ? found : end
}

function fetchOne(
  consumer: Consumer,
  { topicId, leader }: Place,
  fetchOffset: bigint,
  maxBytes: number
): Promise<FetchResponse> {
  return consumer.fetch({
    node: leader,
    minBytes: 1,
    maxBytes,
    maxWaitTime: MAX_WAIT_MS,
    topics: [
      {
        topicId,
        partitions: [
          {
            partition: 0,
            currentLeaderEpoch: -1,
            fetchOffset,
            lastFetchedEpoch: -1,
            partitionMaxBytes: maxBytes
          }
        ]
      }
    ]
  })
}
