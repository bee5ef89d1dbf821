import type { ClusterTopicMetadata, Consumer, RecordsBatch } from '@platformatic/kafka'
import { isUnknownTopic } from '../connect/explain.ts'

/** The position in a partition that is being read, up to the end that the partition had when it was looked up. */
export interface Cursor {
  /** The name of the partition in positions: `tributary.events/3`. */
  readonly name: string
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  /** The node id of the broker that leads the partition. */
  readonly leader: number
  next: bigint
  readonly end: bigint
}

/** How far a partition was read. A topic that was deleted and created again has another id. */
export interface TopicPosition {
  readonly topicId: string
  /** The offset of the first record that was not read, as a decimal number. */
  readonly next: string
}

/** One record of a partition. */
export interface StoredRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly value: Buffer | null
  readonly headers: readonly (readonly [Buffer | null, Buffer | null])[]
}

const MAX_WAIT_MS = 100

/**
 * The partitions of topics that have records since a time, in milliseconds since the epoch. A topic that does not exist
 * has none.
 *
 * @param options.keepEmpty whether those without such records are returned too
 */
export async function cursorsOf(
  consumer: Consumer,
  topics: readonly string[],
  since: number,
  { keepEmpty = false } = {}
): Promise<Cursor[]> {
  const found = await knownTopics(consumer, topics)
  const known = [...found.keys()]
  if (known.length === 0) return []
  const starts = await consumer.listOffsets({ topics: known, timestamp: BigInt(since) })
  const ends = await consumer.listOffsets({ topics: known })
  return [...found].flatMap(([topic, { id: topicId, partitions }]) =>
    partitions.flatMap(({ leader }, partition) => {
      // -1: no record is that recent.
      const next = starts.get(topic)?.[partition] ?? -1n
      const end = ends.get(topic)?.[partition] ?? 0n
      if (next < 0n || (next >= end && !keepEmpty)) return []
      return [{ name: `${topic}/${partition}`, topic, topicId, partition, leader, next, end }]
    })
  )
}

/**
 * Looks up all topics at once. If one is missing, looks them up one by one, because the client does not say which one
 * is missing.
 */
async function knownTopics(consumer: Consumer, topics: readonly string[]): Promise<Map<string, ClusterTopicMetadata>> {
  try {
    const metadata = await consumer.metadata({ topics: [...topics], forceUpdate: true })
    return new Map([...metadata.topics].filter(([name]) => topics.includes(name)))
  } catch (error) {
    if (!isUnknownTopic(error)) throw error
    if (topics.length === 1) return new Map()
  }
  const each = topics.map(name => knownTopics(consumer, [name]))
  return new Map((await Promise.all(each)).flatMap(found => [...found]))
}

/**
 * Advances the cursor to the position of an earlier reader. Returns the number of records after that position that Kafka
 * has deleted. Undefined if the topic was made anew, or has lost records at its end: it is read from its oldest record.
 */
export function resume(cursor: Cursor, { topicId, next }: TopicPosition): bigint | undefined {
  const offset = BigInt(next)
  if (topicId !== cursor.topicId || offset > cursor.end) return undefined
  if (offset < cursor.next) return cursor.next - offset
  cursor.next = offset
  return 0n
}

/**
 * Reads the next records of cursors whose partitions one broker leads, and advances the cursors.
 *
 * @param maxBytes the limit for the answer, and for each partition in it
 */
export async function fetchNext(
  consumer: Consumer,
  node: number,
  to: { readonly cursors: readonly Cursor[]; readonly maxBytes: number }
): Promise<StoredRecord[]> {
  const { cursors, maxBytes } = to
  const topics = [...Map.groupBy(cursors, ({ topicId }) => topicId)].map(([topicId, partitions]) => ({
    topicId,
    partitions: partitions.map(({ partition, next }) => ({
      partition,
      currentLeaderEpoch: -1,
      fetchOffset: next,
      lastFetchedEpoch: -1,
      partitionMaxBytes: maxBytes
    }))
  }))
  const { responses } = await consumer.fetch({ node, minBytes: 1, maxBytes, maxWaitTime: MAX_WAIT_MS, topics })
  const records: StoredRecord[] = []
  for (const { topicId, partitions } of responses) {
    for (const { partitionIndex, records: batches, errorCode } of partitions) {
      const cursor = cursors.find(one => one.topicId === topicId && one.partition === partitionIndex)
      if (cursor === undefined) continue
      if (errorCode !== 0) throw new Error(`${cursor.topic}, partition ${partitionIndex}: error ${errorCode}`)
      for (const batch of batches ?? []) records.push(...takeBatch(cursor, batch))
    }
  }
  return records
}

/** A broker returns whole batches: some records of a batch may lie before the cursor or behind its end. */
function takeBatch(
  cursor: Cursor,
  { firstOffset, firstTimestamp, lastOffsetDelta, records }: RecordsBatch
): StoredRecord[] {
  const { topic, partition, next, end } = cursor
  const after = firstOffset + BigInt(lastOffsetDelta) + 1n
  if (after > next) cursor.next = after
  return records.flatMap(({ offsetDelta, timestampDelta, value, headers }) => {
    const offset = firstOffset + BigInt(offsetDelta)
    if (offset < next || offset >= end) return []
    return [{ topic, partition, offset, at: Number(firstTimestamp + timestampDelta), value, headers }]
  })
}
