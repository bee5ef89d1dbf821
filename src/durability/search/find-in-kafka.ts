import { Consumer } from '@platformatic/kafka'
import { explain } from '../kafka/connect/explain.ts'
import type { ClusterSettings } from '../kafka/options.ts'
import { clientOptions } from '../kafka/connect/session.ts'
import { cursorsOf, fetchNext } from '../kafka/topics/cursors.ts'
import { MAX_RECORDS } from './find-id.ts'
import type { FoundRecord, Search, SearchResult } from './search.ts'

export interface FindInKafkaOptions extends Search {
  readonly settings: ClusterSettings
  readonly topics: readonly string[]
  /** Milliseconds since the epoch: older records are not examined. */
  readonly since: number
}

/** The most bytes of one answer, and of one partition in it, because the client parses an answer without a pause. */
const MAX_BYTES = 256 * 1024
const ID_HEADER = Buffer.from('messageId')

/**
 * Reads topics from a time on, without a consumer group, and selects the records with this messageId by their header.
 * Rejects with a readable error if Kafka cannot be read.
 */
export async function findInKafka(options: FindInKafkaOptions): Promise<SearchResult> {
  const { settings, signal, background } = options
  const consumer = new Consumer({ ...clientOptions(settings), groupId: `${settings.clientId}-search`, retries: 1 })
  const records: FoundRecord[] = []
  const wanted = Buffer.from(options.messageId)
  const stop = (): void => void consumer.close(true).catch(() => undefined)
  signal.addEventListener('abort', stop)
  try {
    let open = await cursorsOf(consumer, options.topics, options.since)
    while (open.length > 0 && records.length < MAX_RECORDS) {
      for (const [node, cursors] of Map.groupBy(open, ({ leader }) => leader)) {
        await background.slice()
        for (const record of await fetchNext(consumer, node, { cursors, maxBytes: MAX_BYTES })) {
          const { topic, partition, offset, at, value, headers } = record
          if (!isWanted(headers, wanted)) continue
          const place = { store: 'kafka', topic, partition, offset: String(offset) } as const
          records.push({ place, at, value: value?.toString() ?? '' })
        }
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

function isWanted(headers: readonly (readonly [Buffer | null, Buffer | null])[], wanted: Buffer): boolean {
  return headers.some(([name, value]) => name?.equals(ID_HEADER) === true && value?.equals(wanted) === true)
}
