import type { Attributes } from '@opentelemetry/api'
import type { EventReport, RequestReport } from '../../model/report.ts'
import type { Placement } from '../../model/sink.ts'
import { MESSAGING, TRIBUTARY } from './names.ts'
import type { PastSpan } from './past-span.ts'

/** A request can have as many topics as there are destinations. */
const MAX_TOPICS = 16

/**
 * The span from the first record that goes to the sink to the last one that is durable; undefined if there are no records.
 * For Kafka it is a PRODUCER span by the conventions; for the event log and the spool it ends with the fsync.
 */
export function describePublish(
  { events, receipt }: RequestReport,
  kinds: { readonly PRODUCER: number }
): Pick<PastSpan, 'name' | 'kind' | 'attributes' | 'error'> | undefined {
  const records = events.filter(({ place }) => place >= 0)
  const [first] = records
  if (first === undefined) return undefined
  const topics = topicsOf(records)
  const [placement] = receipt?.read(receipt.marks, first.place) ?? []
  const count = { [TRIBUTARY.records]: records.length }
  if (receipt === undefined)
    return { name: 'publish', attributes: { ...count, ...named(topics) }, error: 'unavailable' }
  const store = placement?.store
  if (store !== 'kafka') {
    return { name: store === undefined ? 'publish' : `append ${store}`, attributes: { ...count, ...stored(store) } }
  }
  const [topic] = topics
  return {
    name: topics.length === 1 ? `send ${topic}` : 'send',
    kind: kinds.PRODUCER,
    attributes: {
      ...stored(store),
      [MESSAGING.system]: 'kafka',
      [MESSAGING.operation]: 'send',
      [MESSAGING.operationType]: 'send',
      ...(topics.length === 1 && topic !== undefined ? { [MESSAGING.destination]: topic } : named(topics)),
      ...(records.length > 1 ? { [MESSAGING.batchCount]: records.length } : placed(placement))
    }
  }
}

/** Where a record is in Kafka; empty if it is elsewhere. */
export function placed(placement: Placement | undefined): Attributes {
  const { partition, offset } = placement ?? {}
  return {
    ...(partition !== undefined && { [MESSAGING.partition]: String(partition) }),
    ...(offset !== undefined && { [MESSAGING.offset]: Number(offset) })
  }
}

export function stored(store: Placement['store'] | undefined): Attributes {
  return store === undefined ? {} : { [TRIBUTARY.store]: store }
}

const named = (topics: readonly string[]): Attributes =>
  topics.length === 0 ? {} : { [TRIBUTARY.topics]: [...topics] }

function topicsOf(records: readonly EventReport[]): readonly string[] {
  const found = new Set<string>()
  for (const { topics } of records) {
    for (const topic of topics) if (found.size < MAX_TOPICS) found.add(topic)
  }
  return [...found]
}
