import { Consumer } from '@platformatic/kafka'
import { explain } from '../connect/explain.ts'
import { clientOptions } from '../connect/session.ts'
import { cursorsOf, resume, type Cursor, type TopicPosition } from './cursors.ts'
import { EARLIEST, type ReadTopicsOptions } from './read-topics.ts'

export interface LagOptions extends Pick<ReadTopicsOptions, 'settings' | 'topics'> {
  /** The positions of the reader, by the name of the partition. It has read nothing of others. */
  readonly starts: Readonly<Record<string, TopicPosition>>
  /** Milliseconds since the epoch: what is older should have been read. */
  readonly before: number
}

/** How far a reader of topics is behind, in records. */
export interface Lag {
  readonly unread: number
  /** Those of the unread records that are older than `before`. */
  readonly overdue: number
  /** Records after the reader's positions that Kafka has deleted: they can no longer be read. */
  readonly deleted: number
}

/** Compares the positions of a reader with what Kafka has now. Reads no record. Rejects with a readable error. */
export async function lagOf({ settings, topics, starts, before }: LagOptions): Promise<Lag> {
  const consumer = new Consumer({ ...clientOptions(settings), groupId: `${settings.clientId}-lag`, retries: 1 })
  try {
    // Also partitions without a record: what was not read of them may have been deleted.
    const all = await cursorsOf(consumer, topics, EARLIEST, { keepEmpty: true })
    const recent = new Map((await cursorsOf(consumer, topics, before)).map(({ name, next }) => [name, next]))
    const lags = all.map(cursor => lagIn(cursor, starts[cursor.name], recent.get(cursor.name)))
    const sum = (pick: (lag: Lag) => number): number => lags.reduce((total, lag) => total + pick(lag), 0)
    return { unread: sum(lag => lag.unread), overdue: sum(lag => lag.overdue), deleted: sum(lag => lag.deleted) }
  } catch (error) {
    throw new Error(explain(error, settings.brokers), { cause: error })
  } finally {
    await consumer.close(true).catch(() => undefined)
  }
}

/** @param recent the first offset that is not older than `before`; undefined where all are */
function lagIn(cursor: Cursor, start: TopicPosition | undefined, recent = cursor.end): Lag {
  const deleted = start === undefined ? 0n : (resume(cursor, start) ?? 0n)
  const { next, end } = cursor
  const due = recent < end ? recent : end
  return { unread: Number(end - next), overdue: due > next ? Number(due - next) : 0, deleted: Number(deleted) }
}
