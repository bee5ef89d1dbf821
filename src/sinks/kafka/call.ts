import type { OutgoingRecord } from '../../model/record.ts'
import type { Receipt } from '../../model/sink.ts'
import type { KafkaRecord } from './message.ts'
import type { Refusal } from './refused-records.ts'

/** One publish(): settled once, when the last of its messages is. */
export interface Call {
  readonly records: readonly OutgoingRecord[]
  readonly bytes: number
  /** performance.now() of the publish(). */
  readonly enteredAt: number
  readonly resolve: (receipt: Receipt) => void
  readonly reject: (error: Error) => void
  /** Messages (record times topic) that are not settled yet. */
  waiting: number
  settled: boolean
  readonly refusals: Refusal[]
  /** Where those of its messages are that Kafka has; as Landings tells. */
  marks: number[] | undefined
  /** Its neighbours among the open calls. */
  previous: Call | undefined
  next: Call | undefined
}

/** What goes to one partition in one request. To the client it is the value of one message. */
export class PartitionBatch {
  readonly topic: string
  readonly partition: number
  readonly records: KafkaRecord[] = []
  /** Undefined until Kafka has it. */
  landing: Landing | undefined = undefined

  constructor(topic: string, partition: number) {
    this.topic = topic
    this.partition = partition
  }

  /** The Kafka client asks for this when it would encode a record itself, and would write a wrong value. */
  get length(): never {
    throw new TypeError('a PartitionBatch is encoded by BatchProducer only')
  }
}

/** What the messages of one batch share once Kafka has it. */
export interface Landing {
  /** The topic's number, as Landings counts. */
  readonly topic: number
  /** Of the next message. */
  offset: number
}

/** One record for one topic. Which call it belongs to rides along, so that a record needs no closure or promise. */
export interface KafkaMessage {
  readonly batch: PartitionBatch
  readonly value: KafkaRecord
  readonly call: Call
  /** Position in the call's records. */
  readonly index: number
}

/** Topic and partition -> offset of the first of a request's messages there. */
export interface Offsets {
  get(topic: string): ReadonlyMap<number, bigint> | undefined
}

export interface ConfirmedRequest {
  readonly messages: readonly KafkaMessage[]
  readonly offsets: Offsets
}

export function createCall(
  records: readonly OutgoingRecord[],
  settle: { resolve: (receipt: Receipt) => void; reject: (error: Error) => void }
): Call {
  let bytes = 0
  let waiting = 0
  for (const { lineStart, lineEnd, topics } of records) {
    bytes += (lineEnd - lineStart) * topics.length
    waiting += topics.length
  }
  const { resolve, reject } = settle
  const enteredAt = performance.now()
  const links = { marks: undefined, previous: undefined, next: undefined }
  return { records, bytes, enteredAt, resolve, reject, waiting, settled: false, refusals: [], ...links }
}
