import { Consumer } from '@platformatic/kafka'
import { explain } from '../connect/explain.ts'
import { clientOptions } from '../connect/session.ts'
import type { ClusterSettings } from '../options.ts'
import { cursorsOf, fetchNext, resume, type Cursor, type TopicPosition } from './cursors.ts'

/** Records of one partition, and the position after them. */
export interface ReadPiece {
  /** The name of the partition: `tributary.events/3`. */
  readonly name: string
  readonly values: readonly Buffer[]
  readonly position: TopicPosition
  /** The number of offsets in this piece, and in all pieces of all partitions. */
  readonly amount: number
  readonly total: number
  /** How many offsets are left behind it. */
  readonly left: number
  /** Milliseconds since the epoch: of the youngest of the records, now for one that has no time; 0 where there is none. */
  readonly latest: number
}

export interface ReadTopicsOptions {
  readonly settings: ClusterSettings
  /** Topics that do not exist are skipped. */
  readonly topics: readonly string[]
  /** Milliseconds since the epoch: older records are not read; or EARLIEST. */
  readonly since: number
  /** The size of one answer of a broker, which is parsed at once; at least one batch comes. Default 4 MiB. */
  readonly maxBytes?: number
  /** The positions of an earlier reader, by the name of the partition: nothing before them is read. */
  readonly starts?: Readonly<Record<string, TopicPosition>>
  /**
   * Called if records after a start are not in Kafka any more, before the oldest that are there is yielded. Without it, a topic that
   * was made anew, or has lost records at its end, is an error.
   */
  readonly onLost?: OnLost
}

/** @param records how many, where that can be known */
type OnLost = (name: string, words: string, records?: number) => void

/** As a time, for Kafka: whatever there is, also records without a time. */
export const EARLIEST = -2

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
  starts = {},
  maxBytes = MAX_BYTES,
  onLost
}: ReadTopicsOptions): AsyncGenerator<ReadPiece> {
  const options = { ...clientOptions(settings), groupId: `${settings.clientId}-reader`, retries: RETRIES }
  const consumer = new Consumer(options)
  try {
    const cursors = await cursorsOf(consumer, topics, since)
    const losses = cursors.map(cursor => lossOf(cursor, starts[cursor.name], onLost !== undefined))
    const total = Number(cursors.reduce((sum, { next, end }) => sum + (end - next), 0n))
    let left = total
    for (const [index, cursor] of cursors.entries()) {
      let loss = losses[index]
      while (cursor.next < cursor.end) {
        const from = cursor.next
        const records = await fetchNext(consumer, cursor.leader, { cursors: [cursor], maxBytes })
        const next = cursor.next > cursor.end ? cursor.end : cursor.next
        // With the first records after it, because the reader's position moves with them: a loss is told once.
        if (loss !== undefined) onLost?.(cursor.name, loss.words, loss.records)
        loss = undefined
        left -= Number(next - from)
        yield {
          name: cursor.name,
          values: records.flatMap(({ value }) => value ?? []),
          position: { topicId: cursor.topicId, next: String(next) },
          amount: Number(next - from),
          total,
          left,
          latest: records.reduce((latest, { at }) => Math.max(latest, at < 0 ? Date.now() : at), 0)
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

/**
 * Advances the cursor to an earlier reader's position. Returns what was lost after it: the words, and how many records
 * where that can be known. Throws AnotherTopic if the topic is another one and `mayLose` is false.
 */
function lossOf(cursor: Cursor, start: TopicPosition | undefined, mayLose: boolean) {
  const deleted = start === undefined ? 0n : resume(cursor, start)
  if (deleted === 0n) return undefined
  if (deleted !== undefined) {
    return { words: `Kafka has deleted ${deleted} records that were not read`, records: Number(deleted) }
  }
  const words = `topic ${cursor.topic} was made anew, or has lost records, since it was read before`
  if (!mayLose) throw new AnotherTopic(words)
  return { words }
}
