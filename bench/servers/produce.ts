import { createRecord } from '../../src/model/record.ts'
import { ClusterClient } from '../../src/durability/kafka/connect/cluster-client.ts'
import { Link } from '../../src/durability/kafka/send/link.ts'
import { createRecordEncoder } from '../../src/durability/kafka/encode/message.ts'
import { withDefaults } from '../../src/durability/kafka/options.ts'
import { createProduceEncoder } from '../../src/durability/kafka/encode/produce-encoder.ts'
import { clientOptions } from '../../src/durability/kafka/connect/session.ts'
import type { KeepGroup } from './keep.ts'

/** The broker accepts a megabyte. */
const BYTES_AT_ONCE = 800_000

/**
 * Sends one produce request for each group, or several for a large group, in our own encoding, which is the cheapest
 * known way.
 */
export async function produceTo(topic: string, broker: string): Promise<KeepGroup> {
  const client = new ClusterClient(clientOptions({ brokers: [broker], clientId: 'floor' }))
  const producer = await client.newProducer()
  const produce = await client.produceWith(createProduceEncoder())
  const [host = '', port] = broker.split(':')
  const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const topics = { create: false, partitions: 1 }
  const settings = withDefaults({ brokers: [broker], clientId: 'floor', topics, log: quiet })
  const link = new Link(1, { host, port: Number(port) }, settings)
  let firstSequence = 0
  const encode = createRecordEncoder()
  const record = { kind: 'event', type: 'track', code: undefined, source: 'floor', messageId: '', key: '' } as const
  return async lines => {
    const receivedAt = Date.now()
    for (let at = 0, end = 0; at < lines.length; at = end) {
      let bytes = 0
      for (; end < lines.length && bytes < BYTES_AT_ONCE; end++) bytes += (lines[end] as Buffer).length
      const records = lines
        .slice(at, end)
        .map(line => encode(createRecord({ ...record, topics: [topic], receivedAt, line })))
      const batch = { ...producer, topic, partition: 0, firstSequence, records }
      await link.send(produce, { acks: -1, timeoutMs: 2_500, batches: [batch] }, bytes)
      firstSequence += records.length
    }
  }
}
