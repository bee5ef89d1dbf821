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

/** Where reading begins. `time` is in milliseconds since the epoch. */
export type ReadFrom = 'beginning' | 'end' | { readonly time: number } | { readonly offset: bigint }

export interface ReaderOptions {
  readonly topic: string
  readonly from: ReadFrom
  /** Records in the order of the topic. A topic that was deleted and made again is read from its beginning. */
  readonly onRecords: (records: readonly FleetRecord[]) => void
  /** Told once: everything that was in the topic when reading began has been given to onRecords. */
  readonly onCaughtUp?: () => void
  /** Told each failure; reading goes on by itself. */
  readonly onTrouble?: (error: unknown) => void
}

/** Reads the one partition of a topic in order, without a consumer group, until it is closed. */
export interface FleetReader {
  /** Milliseconds since the broker last answered; Infinity before the first answer. */
  silentMs(): number
  /** Whether all that was there at the beginning has been read. */
  readonly isCaughtUp: boolean
  /** Resolves when it has caught up. */
  caughtUp(): Promise<void>
  close(): Promise<void>
}

/** The broker answers an empty fetch after so long. */
const MAX_WAIT_MS = 500
const MAX_BYTES = 4 * 1024 * 1024
const FIRST_BACKOFF_MS = 100
const MAX_BACKOFF_MS = 1_000
/** Kafka's numbers of errors. */
const OFFSET_OUT_OF_RANGE = 1

type FetchResponse = Awaited<ReturnType<Consumer['fetch']>>

/** A topic at one moment. */
interface Place {
  readonly topicId: string
  readonly leader: number
}

export function openReader(client: BaseOptions, options: ReaderOptions): FleetReader {
  const { topic, from, onRecords, onCaughtUp, onTrouble } = options
  let next: bigint | undefined
  let lastTopicId: string | undefined
  let lastAnswer = -Infinity
  let isCaughtUp = false
  let closed = false
  const whenCaughtUp = Promise.withResolvers<void>()
  const life = new AbortController()

  async function readOn(consumer: Consumer): Promise<void> {
    const place = await locate(consumer, topic)
    if (lastTopicId !== undefined && lastTopicId !== place.topicId) next = 0n
    lastTopicId = place.topicId
    next ??= await offsetOf(consumer, topic, from)
    while (!closed) take(await fetchOne(consumer, place, next), place)
  }

  function take({ responses }: FetchResponse, { topicId }: Place): void {
    if (closed) return
    lastAnswer = performance.now()
    const partition = responses.find(one => one.topicId === topicId)?.partitions[0]
    if (partition === undefined) return
    if (partition.errorCode === OFFSET_OUT_OF_RANGE) {
      // Retention has removed what was to be read next.
      next = partition.logStartOffset >= 0n ? partition.logStartOffset : 0n
      throw new Error(`${topic}: the place to read from is gone`)
    }
    if (partition.errorCode !== 0) throw new Error(`${topic}: error ${partition.errorCode}`)
    const before = next ?? 0n
    const records: FleetRecord[] = []
    for (const batch of partition.records ?? []) {
      const at = Number(batch.maxTimestamp)
      for (const { offsetDelta, key, value } of batch.records) {
        const offset = batch.firstOffset + BigInt(offsetDelta)
        if (offset >= before) records.push({ offset, at, key: key?.toString() ?? '', value })
      }
      const after = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n
      if (next === undefined || after > next) next = after
    }
    if (records.length > 0) onRecords(records)
    if (!isCaughtUp && next !== undefined && next >= partition.highWatermark) {
      isCaughtUp = true
      onCaughtUp?.()
      whenCaughtUp.resolve()
    }
  }

  async function run(): Promise<void> {
    let pauseMs = FIRST_BACKOFF_MS
    while (!closed) {
      const consumer = new Consumer({ ...client, groupId: `${client.clientId}-fleet`, retries: 1 })
      const stop = (): void => void consumer.close(true).catch(() => undefined)
      life.signal.addEventListener('abort', stop)
      const since = performance.now()
      try {
        await readOn(consumer)
      } catch (error) {
        if (!closed) onTrouble?.(error)
      } finally {
        life.signal.removeEventListener('abort', stop)
        stop()
      }
      pauseMs = lastAnswer > since ? FIRST_BACKOFF_MS : Math.min(pauseMs * 2, MAX_BACKOFF_MS)
      await sleep(pauseMs, undefined, { signal: life.signal, ref: false }).catch(() => undefined)
    }
  }

  const running = run()
  return {
    silentMs: () => performance.now() - lastAnswer,
    get isCaughtUp() {
      return isCaughtUp
    },
    caughtUp: () => whenCaughtUp.promise,
    async close() {
      closed = true
      life.abort()
      await running
    }
  }
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
  const found = await ask(BigInt(from.time))
  // No record is that young.
  return found >= 0n ? found : await ask(ListOffsetTimestamps.LATEST)
}

function fetchOne(consumer: Consumer, { topicId, leader }: Place, fetchOffset: bigint): Promise<FetchResponse> {
  return consumer.fetch({
    node: leader,
    minBytes: 1,
    maxBytes: MAX_BYTES,
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
            partitionMaxBytes: MAX_BYTES
          }
        ]
      }
    ]
  })
}
