import { createRecord } from '../../src/model/record.ts'
import { BatchProducer } from '../../src/sinks/kafka/batch-producer.ts'
import { PartitionBatch } from '../../src/sinks/kafka/call.ts'
import { createRecordEncoder } from '../../src/sinks/kafka/message.ts'
import { clientOptions } from '../../src/sinks/kafka/session.ts'
import type { KeepGroup } from './keep.ts'

/** The broker takes a megabyte. */
const BYTES_AT_ONCE = 800_000

/** One produce request for each group, or a few for a large one, in our own encoding: the cheapest way that we know. */
export async function produceTo(topic: string, broker: string): Promise<KeepGroup> {
  const producer = new BatchProducer({ ...clientOptions({ brokers: [broker], clientId: 'floor' }), idempotent: true })
  await producer.initIdempotentProducer({})
  const encode = createRecordEncoder()
  const record = { kind: 'event', type: 'track', code: undefined, source: 'floor', messageId: '', key: '' } as const
  return async lines => {
    const receivedAt = Date.now()
    for (let at = 0, end = 0; at < lines.length; at = end) {
      for (let bytes = 0; end < lines.length && bytes < BYTES_AT_ONCE; end++) bytes += (lines[end] as Buffer).length
      const batch = new PartitionBatch(topic, 0)
      for (const line of lines.slice(at, end))
        batch.records.push(encode(createRecord({ ...record, topics: [topic], receivedAt, line })))
      await producer.send({ messages: [{ topic, partition: 0, value: batch }] })
    }
  }
}
