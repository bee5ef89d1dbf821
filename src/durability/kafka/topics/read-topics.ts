import { Consumer } from '@platformatic/kafka'
import { explain } from '../connect/explain.ts'
import { clientOptions } from '../connect/session.ts'
import type { KafkaSettings } from '../options.ts'
import type { Cursor } from './cursors.ts'
import { cursorsOf, fetchNext } from './cursors.ts'

/** How far a partition was read. A topic that was deleted and created again has another id. */
export interface TopicPosition {
  readonly topicId: string
  /** The offset of the first record that was not read, as a decimal number. */
  readonly next: string
}

/** Records of one partition, and the position after them. */
export interface ReadPiece {
  /** The name of the partition: `tributary.events/3`. */
  readonly name: string
  readonly values: readonly Buffer[]
  readonly position: TopicPosition
  /** The number of offsets in this piece, and in all pieces of all partitions. */
  readonly amount: number
  readonly total: number
}

export interface ReadTopicsOptions {
  readonly settings: Pick<KafkaSettings, 'brokers' | 'clientId' | 'ssl' | 'sasl'>
  /** Topics that do not exist are skipped. */
  readonly topics: readonly string[]
  /** Milliseconds since the epoch: older records are not read. */
  readonly since: number
  /** The positions of an earlier reader, by the name of the partition: nothing before them is read. */
  readonly starts?: Readonly<Record<string, TopicPosition>>
}

const MAX_BYTES = 4 * 1024 * 1024
const RETRIES = 2

/** Yields the values of topics, as readPieces() reads them. */
export async function* readTopics(options: ReadTopicsOptions): AsyncGenerator<Buffer> {
  for await (const { values } of readPieces(options)) yield* values
}

/**
 * Reads topics from a time on, or from the positions of an earlier reader on, up to their current end: one partition
 * after the other, without a consumer group, and without a commit. Throws a readable error if Kafka cannot be read.
 */
export async function* readPieces({
  settings,
  topics,
  since,
  starts = {}
}: ReadTopicsOptions): AsyncGenerator<ReadPiece> {
  const options = { ...clientOptions(settings), groupId: `${settings.clientId}-reader`, retries: RETRIES }
  const consumer = new Consumer(options)
  try {
    const cursors = await cursorsOf(consumer, topics, since)
    for (const cursor of cursors) continueAt(cursor, starts[nameOf(cursor)])
    const total = Number(cursors.reduce((sum, { next, end }) => sum + (end - next), 0n))
    for (const cursor of cursors) {
      while (cursor.next < cursor.end) {
        const from = cursor.next
        const records = await fetchNext(consumer, cursor.leader, { cursors: [cursor], maxBytes: MAX_BYTES })
        const next = cursor.next > cursor.end ? cursor.end : cursor.next
        yield {
          name: nameOf(cursor),
          values: records.flatMap(({ value }) => value ?? []),
          position: { topicId: cursor.topicId, next: String(next) },
          amount: Number(next - from),
          total
        }
      }
    }
  } catch (error) {
    throw error instanceof AnotherTopic ? error : new Error(explain(error, settings.brokers), { cause: error })
  } finally {
    await consumer.close(true).catch(() => undefined)
  }
}

class AnotherTopic extends Error {}

function nameOf({ topic, partition }: Cursor): string {
  return `${topic}/${partition}`
}

function continueAt(cursor: Cursor, start: TopicPosition | undefined): void {
  if (start === undefined) return
  const next = BigInt(start.next)
  if (start.topicId !== cursor.topicId || next > cursor.end) {
    throw new AnotherTopic(`topic ${cursor.topic} was made anew, or has lost records, since it was read before`)
  }
  if (next > cursor.next) cursor.next = next
}
