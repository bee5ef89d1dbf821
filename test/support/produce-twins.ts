import type { MessageRecord } from '@platformatic/kafka'
import { recordKey, messageIdOf } from '../../src/model/record.ts'
import { createRecordEncoder, type KafkaRecord } from '../../src/durability/kafka/encode/message.ts'
import type { ProduceBatch } from '../../src/durability/kafka/encode/produce-encoder.ts'
import { eventRecord } from './kafka-sink.ts'
import type { TestRecord } from './records.ts'

export const at = Date.UTC(2026, 0, 2)
export const event = (parts: Partial<Parameters<typeof eventRecord>[0]> = {}): TestRecord =>
  eventRecord({ messageId: 'm', topics: [], key: 'user-1', receivedAt: at, ...parts })

export interface Placed {
  readonly topic: string
  readonly partition: number
}

/** A record and its partition. */
export interface Sent extends Placed {
  readonly record: TestRecord
  readonly timeless?: boolean
}

export const encode = createRecordEncoder()

/** The record in our encoding. */
export function recordOf({ record, timeless = false }: Sent): KafkaRecord {
  const value = encode(record)
  return timeless ? value.withoutTime() : value
}

/** One batch for each topic and partition. */
export function ours(
  sent: readonly Sent[],
  identity: { readonly producerId: bigint; readonly producerEpoch: number }
): ProduceBatch[] {
  type Batch = ProduceBatch & { readonly records: KafkaRecord[] }
  // Objects instead of maps, because the client's requests depend on their order.
  const topics = Object.create(null) as Record<string, Record<number, Batch>>
  for (const each of sent) {
    const { topic, partition } = each
    const ofTopic = (topics[topic] ??= {})
    const batch = (ofTopic[partition] ??= { ...identity, topic, partition, firstSequence: 0, records: [] })
    batch.records.push(recordOf(each))
  }
  return Object.values(topics).flatMap(ofTopic => Object.values(ofTopic))
}

/** The message in the form of the client's own encoder. */
export function theirs({ record, topic, partition, timeless = false }: Sent): MessageRecord & Placed {
  const { kind, source, receivedAt } = record
  // As in the record, where half of a surrogate pair is escaped.
  const [messageId, key] = [messageIdOf(record), recordKey(record)]
  const headers = {
    ...(kind === 'event' ? { type: record.type } : { code: String(record.code) }),
    source,
    messageId,
    receivedAt: new Date(receivedAt).toISOString()
  }
  return {
    ...(key !== '' && { key: Buffer.from(key) }),
    value: record.line.subarray(0, -1),
    headers: new Map(Object.entries(headers).map(([name, text]) => [Buffer.from(name), Buffer.from(text)])),
    topic,
    partition,
    timestamp: timeless ? -1n : BigInt(receivedAt)
  }
}
