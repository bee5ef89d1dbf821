import type { OutgoingRecord } from '../../model/record.ts'
import type { Placement, Receipt } from '../../model/sink.ts'
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
  /** The last of its messages that Kafka has. */
  landed: Landing | undefined
  /** Its neighbours among the open calls. */
  previous: Call | undefined
  next: Call | undefined
}

/** What goes to one partition in one request. To the client it is the value of one message. */
export class PartitionBatch {
  readonly topic: string
  readonly partition: number
  readonly records: KafkaRecord[] = []
  /** What its messages' receipts share, once Kafka has it. */
  stretch: Stretch | undefined = undefined

  constructor(topic: string, partition: number) {
    this.topic = topic
    this.partition = partition
  }

  /** The Kafka client asks for this when it would encode a record itself, and would write a wrong value. */
  get length(): never {
    throw new TypeError('a PartitionBatch is encoded by BatchProducer only')
  }
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

/** What one request put into one partition. */
interface Stretch {
  readonly topic: string
  readonly partition: number
  /** Undefined where Kafka did not say. */
  readonly offset: bigint | undefined
  messages: number
}

/** Where one message is. All that a receipt keeps: it may outlive its records by far. */
interface Landing {
  /** Position in the call's records. */
  readonly index: number
  readonly stretch: Stretch
  /** How many of the stretch's messages lie before it. */
  readonly position: number
  /** The one before it of the same call; a list of one, as most are, would weigh four times as much as its only link. */
  readonly before: Landing | undefined
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
  const links = { landed: undefined, previous: undefined, next: undefined }
  return { records, bytes, enteredAt, resolve, reject, waiting, settled: false, refusals: [], ...links }
}

/** Tells each message's call where it is; messages of a request lie in their partition in the request's order. */
export function land({ messages, offsets }: ConfirmedRequest): void {
  for (const { batch, call, index } of messages) {
    const stretch = (batch.stretch ??= stretchOf(batch, offsets))
    call.landed = { index, stretch, position: stretch.messages++, before: call.landed }
  }
}

function stretchOf({ topic, partition }: PartitionBatch, offsets: Offsets): Stretch {
  return { topic, partition, offset: offsets.get(topic)?.get(partition), messages: 0 }
}

/** Where the call's records are, for the few who ask. Holds on to nothing else of the call. */
export function receiptOf({ landed }: Call): Receipt {
  return new Landings(landed)
}

/** Of one shape, since the debugger keeps those of thousands of requests. */
class Landings implements Receipt {
  readonly #last: Landing | undefined

  constructor(last: Landing | undefined) {
    this.#last = last
  }

  places(index: number): readonly Placement[] {
    const placements: Placement[] = []
    for (let landing = this.#last; landing !== undefined; landing = landing.before) {
      if (landing.index === index) placements.unshift(toPlacement(landing))
    }
    return placements
  }
}

function toPlacement({ stretch, position }: Landing): Placement {
  const { topic, partition, offset } = stretch
  const where = { store: 'kafka', topic, partition } as const
  return offset === undefined ? where : { ...where, offset: String(offset + BigInt(position)) }
}
