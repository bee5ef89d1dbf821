import { Consumer } from '@platformatic/kafka'
import { explain } from '../connect/explain.ts'
import { clientOptions } from '../connect/session.ts'
import type { KafkaSettings } from '../options.ts'
import { cursorsOf, fetchNext } from './cursors.ts'

export interface ReadTopicsOptions {
  readonly settings: Pick<KafkaSettings, 'brokers' | 'clientId' | 'ssl' | 'sasl'>
  /** Those that do not exist are passed over. */
  readonly topics: readonly string[]
  /** Milliseconds since the epoch: older records are not read. */
  readonly since: number
}

const MAX_BYTES = 4 * 1024 * 1024
const RETRIES = 2

/**
 * The values of topics from a time on to the end that they have now, one partition after the other, as no member of any
 * group: nothing is committed. Throws, in words, where Kafka cannot be read.
 */
export async function* readTopics({ settings, topics, since }: ReadTopicsOptions): AsyncGenerator<Buffer> {
  const options = { ...clientOptions(settings), groupId: `${settings.clientId}-reader`, retries: RETRIES }
  const consumer = new Consumer(options)
  try {
    for (const cursor of await cursorsOf(consumer, topics, since)) {
      while (cursor.next < cursor.end) {
        const records = await fetchNext(consumer, cursor.leader, { cursors: [cursor], maxBytes: MAX_BYTES })
        for (const { value } of records) if (value !== null) yield value
      }
    }
  } catch (error) {
    throw new Error(explain(error, settings.brokers), { cause: error })
  } finally {
    await consumer.close(true).catch(() => undefined)
  }
}
