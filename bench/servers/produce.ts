import { BatchProducer } from '../../src/sinks/kafka/batch-producer.ts'
import { createRecordEncoder } from '../../src/sinks/kafka/message.ts'
import { clientOptions } from '../../src/sinks/kafka/session.ts'
import type { KeepGroup } from './keep.ts'

const LINE_FEED = Buffer.from('\n')

/** One produce request for each group, in our own encoding: the cheapest way that we know. */
export async function produceTo(topic: string, broker: string): Promise<KeepGroup> {
  const producer = new BatchProducer({ ...clientOptions({ brokers: [broker], clientId: 'floor' }), idempotent: true })
  await producer.initIdempotentProducer({})
  const encode = createRecordEncoder()
  const record = { kind: 'event', type: 'track', source: 'floor', messageId: '', key: '', topics: [topic] } as const
  return bodies => {
    const receivedAt = Date.now()
    const messages = bodies.map(body => {
      const value = encode({ ...record, receivedAt, line: Buffer.concat([body, LINE_FEED]) })
      return { topic, partition: 0, value }
    })
    return producer.send({ messages })
  }
}
