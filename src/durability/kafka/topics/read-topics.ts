import { Consumer } from '@platformatic/kafka'
import { explain, isUnknownTopic } from '../connect/explain.ts'
import type { KafkaSettings } from '../options.ts'
import { clientOptions } from '../connect/session.ts'

export interface ReadTopicsOptions {
  readonly settings: Pick<KafkaSettings, 'brokers' | 'clientId' | 'ssl' | 'sasl'>
  /** Those that do not exist are passed over. */
  readonly topics: readonly string[]
  /** Milliseconds since the epoch: older records are not read. */
  readonly since: number
}

const MAX_BYTES = 4 * 1024 * 1024
const MAX_WAIT_MS = 100
const RETRIES = 2

interface Partition {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  readonly leader: number
  readonly start: bigint
  readonly end: bigint
}

/**
 * The values of topics from a time on to the end that they have now, one partition after the other, as no member of any
 * group: nothing is committed. Throws, in words, where Kafka cannot be read.
 */
export async function* readTopics({ settings, topics, since }: ReadTopicsOptions): AsyncGenerator<Buffer> {
  const options = { ...clientOptions(settings), groupId: `${settings.clientId}-reader`, retries: RETRIES }
  const consumer = new Consumer(options)
  try {
    for (const topic of topics) {
      for (const partition of await partitionsOf(consumer, topic, since)) yield* readPartition(consumer, partition)
    }
  } catch (error) {
    throw new Error(explain(error, settings.brokers), { cause: error })
  } finally {
    await consumer.close(true).catch(() => undefined)
  }
}

async function partitionsOf(consumer: Consumer, topic: string, since: number): Promise<Partition[]> {
  try {
    const metadata = await consumer.metadata({ topics: [topic], forceUpdate: true })
    const found = metadata.topics.get(topic)
    if (found === undefined) return []
    const [starts, ends] = [
      await consumer.listOffsets({ topics: [topic], timestamp: BigInt(since) }),
      await consumer.listOffsets({ topics: [topic] })
    ]
    return Object.entries(found.partitions).flatMap(([number, { leader }]) => {
      const partition = Number(number)
      // Minus one: no record is that young.
      const start = starts.get(topic)?.[partition] ?? -1n
      const end = ends.get(topic)?.[partition] ?? 0n
      return start < 0n || start >= end ? [] : [{ topic, topicId: found.id, partition, leader, start, end }]
    })
  } catch (error) {
    if (isUnknownTopic(error)) return []
    throw error
  }
}

async function* readPartition(consumer: Consumer, from: Partition): AsyncGenerator<Buffer> {
  let next = from.start
  while (next < from.end) {
    const before = next
    for (const batch of await fetchBatches(consumer, from, next)) {
      for (const { offsetDelta, value } of batch.records) {
        const offset = batch.firstOffset + BigInt(offsetDelta)
        if (offset >= before && offset < from.end && value !== null) yield value
      }
      const after = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n
      if (after > next) next = after
    }
  }
}

async function fetchBatches(consumer: Consumer, { topic, topicId, partition, leader }: Partition, fetchOffset: bigint) {
  const { responses } = await consumer.fetch({
    node: leader,
    minBytes: 1,
    maxBytes: MAX_BYTES,
    maxWaitTime: MAX_WAIT_MS,
    topics: [
      {
        topicId,
        partitions: [
          { partition, currentLeaderEpoch: -1, fetchOffset, lastFetchedEpoch: -1, partitionMaxBytes: MAX_BYTES }
        ]
      }
    ]
  })
  const found = responses.flatMap(({ partitions }) => partitions)
  const failed = found.find(({ errorCode }) => errorCode !== 0)
  if (failed !== undefined) throw new Error(`${topic}, partition ${partition}: error ${failed.errorCode}`)
  return found.flatMap(({ records }) => records ?? [])
}
