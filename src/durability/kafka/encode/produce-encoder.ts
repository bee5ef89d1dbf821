import { Writer } from '@platformatic/kafka'
import type { Compression } from '../../../model/record.ts'
import { codecOf } from './compress.ts'
import type { KafkaRecord } from './message.ts'
import { encodeBatch, type BatchOrigin } from './record-batch.ts'
import { Scratch } from './scratch.ts'

/** The records of one partition in one request. A batch that is sent again has the same records and the same origin. */
export interface ProduceBatch extends BatchOrigin {
  readonly topic: string
  readonly partition: number
  readonly records: readonly KafkaRecord[]
}

export interface ProduceRequest {
  /** -1: all in-sync replicas. */
  readonly acks: number
  /** The milliseconds for which the broker waits for the replicas. */
  readonly timeoutMs: number
  /** At most one for each partition. */
  readonly batches: readonly ProduceBatch[]
}

/** Encodes a Produce request, in versions 3 to 11. The result is valid until the next call. */
export type ProduceEncoder = (version: number, request: ProduceRequest) => Writer

/** From this version on, strings, arrays and lengths are compact, and structures end with tags. */
const FIRST_COMPACT_VERSION = 9

/** All requests of an encoder use the same memory: the client copies each before its connection.send() returns. */
export function createProduceEncoder(compression: Compression = 'none'): ProduceEncoder {
  const scratch = new Scratch()
  const way = { scratch, codec: codecOf(compression) }

  return (version, { acks, timeoutMs, batches }) => {
    const isCompact = version >= FIRST_COMPACT_VERSION
    const writePartition = (writer: Writer, batch: ProduceBatch): void => {
      writer.appendInt32(batch.partition).appendBytes(encodeBatch(batch.records, batch, way), isCompact)
    }
    const writeTopic = (writer: Writer, [topic, ofTopic]: [string, ProduceBatch[]]): void => {
      writer.appendString(topic, isCompact)
      writer.appendArray(ofTopic, writePartition, isCompact, isCompact)
    }
    scratch.clear()
    const writer = Writer.create()
      .appendString(null, isCompact)
      .appendInt16(acks)
      .appendInt32(timeoutMs)
      .appendArray([...Map.groupBy(batches, ({ topic }) => topic)], writeTopic, isCompact, isCompact)
    if (isCompact) writer.appendTaggedFields()
    return writer
  }
}
