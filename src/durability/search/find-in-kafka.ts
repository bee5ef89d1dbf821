import { Consumer } from '@platformatic/kafka'
import type { Background } from '../../model/background.ts'
import { explain } from '../kafka/connect/explain.ts'
import type { KafkaSettings } from '../kafka/options.ts'
import { clientOptions } from '../kafka/connect/session.ts'

export interface FoundInKafka {
  readonly topic: string
  readonly partition: number
  readonly offset: string
  /** Milliseconds since the epoch: the record's. */
  readonly at: number
  /** JSON. */
  readonly value: string
}

export interface FindInKafkaOptions {
  readonly settings: Pick<KafkaSettings, 'brokers' | 'clientId' | 'ssl' | 'sasl'>
  readonly topics: readonly string[]
  readonly messageId: string
  /** Milliseconds since the epoch: older records are not looked at. */
  readonly since: number
  /** Ends the search with what was found so far. */
  readonly signal: AbortSignal
  readonly background: Background
}

type FetchResponse = Awaited<ReturnType<Consumer['fetch']>>

/** Of one answer, and of one partition in it: the client reads an answer in one go. */
const MAX_BYTES = 256 * 1024
const MAX_WAIT_MS = 100
const MAX_RECORDS = 20
const ID_HEADER = Buffer.from('messageId')

/** One partition on its way to the end that it had when the search began. */
interface Cursor {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  readonly leader: number
  next: bigint
  readonly end: bigint
}

/**
 * Reads topics from a time on, as no member of any group, and picks the records with this messageId by their header.
 * Rejects, in words, where Kafka cannot be read.
 */
export async function findInKafka(
  options: FindInKafkaOptions
): Promise<{ readonly records: readonly FoundInKafka[]; readonly complete: boolean }> {
  const { settings, signal, background } = options
  const consumer = new Consumer({ ...clientOptions(settings), groupId: `${settings.clientId}-search`, retries: 1 })
  const records: FoundInKafka[] = []
  const wanted = Buffer.from(options.messageId)
  const stop = (): void => void consumer.close(true).catch(() => undefined)
  signal.addEventListener('abort', stop)
  try {
    let open = await cursors(consumer, options)
    while (open.length > 0 && records.length < MAX_RECORDS) {
      for (const [node, mine] of byLeader(open)) {
        await background.slice()
        const answer = await fetchFrom(consumer, node, mine)
        records.push(...take(answer, mine, wanted))
      }
      open = open.filter(({ next, end }) => next < end)
    }
    return { records, complete: open.length === 0 }
  } catch (error) {
    if (signal.aborted) return { records, complete: false }
    throw new Error(explain(error, settings.brokers), { cause: error })
  } finally {
    signal.removeEventListener('abort', stop)
    stop()
  }
}

async function cursors(consumer: Consumer, { topics, since }: FindInKafkaOptions): Promise<Cursor[]> {
  const metadata = await consumer.metadata({ topics: [...topics], forceUpdate: true })
  const known = topics.filter(topic => metadata.topics.has(topic))
  if (known.length === 0) return []
  const starts = await consumer.listOffsets({ topics: known, timestamp: BigInt(since) })
  const ends = await consumer.listOffsets({ topics: known })
  return known.flatMap(topic => {
    const { id, partitions } = metadata.topics.get(topic) as {
      id: string
      partitions: Record<number, { leader: number }>
    }
    return Object.entries(partitions).flatMap(([number, { leader }]) => {
      const partition = Number(number)
      const next = starts.get(topic)?.[partition] ?? -1n
      const end = ends.get(topic)?.[partition] ?? 0n
      // No record is that young where the broker says -1.
      return next < 0n || next >= end ? [] : [{ topic, topicId: id, partition, leader, next, end }]
    })
  })
}

function byLeader(open: readonly Cursor[]): Map<number, Cursor[]> {
  const nodes = new Map<number, Cursor[]>()
  for (const cursor of open) nodes.set(cursor.leader, [...(nodes.get(cursor.leader) ?? []), cursor])
  return nodes
}

function fetchFrom(consumer: Consumer, node: number, mine: readonly Cursor[]): Promise<FetchResponse> {
  const topics = new Map<string, Cursor[]>()
  for (const cursor of mine) topics.set(cursor.topicId, [...(topics.get(cursor.topicId) ?? []), cursor])
  return consumer.fetch({
    node,
    minBytes: 1,
    maxBytes: MAX_BYTES,
    maxWaitTime: MAX_WAIT_MS,
    topics: [...topics].map(([topicId, partitions]) => ({
      topicId,
      partitions: partitions.map(({ partition, next }) => ({
        partition,
        currentLeaderEpoch: -1,
        fetchOffset: next,
        lastFetchedEpoch: -1,
        partitionMaxBytes: MAX_BYTES
      }))
    }))
  })
}

/** Moves the cursors on and returns what was looked for. */
function take({ responses }: FetchResponse, mine: readonly Cursor[], wanted: Buffer): FoundInKafka[] {
  const found: FoundInKafka[] = []
  for (const { topicId, partitions } of responses) {
    for (const { partitionIndex, records: batches, errorCode } of partitions) {
      const cursor = mine.find(one => one.topicId === topicId && one.partition === partitionIndex)
      if (cursor === undefined) continue
      if (errorCode !== 0) throw new Error(`${cursor.topic}, partition ${partitionIndex}: error ${errorCode}`)
      const before = cursor.next
      for (const batch of batches ?? []) {
        for (const record of batch.records) {
          const offset = batch.firstOffset + BigInt(record.offsetDelta)
          if (offset < before || !isWanted(record.headers, wanted)) continue
          const { topic, partition } = cursor
          const at = Number(batch.firstTimestamp + record.timestampDelta)
          found.push({ topic, partition, offset: String(offset), at, value: record.value?.toString() ?? '' })
        }
        const after = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n
        if (after > cursor.next) cursor.next = after
      }
    }
  }
  return found
}

function isWanted(headers: readonly (readonly [Buffer | null, Buffer | null])[], wanted: Buffer): boolean {
  return headers.some(([name, value]) => name?.equals(ID_HEADER) === true && value?.equals(wanted) === true)
}
