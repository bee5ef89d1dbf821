import type { MessageToProduce } from '@platformatic/kafka'
import type { OutgoingRecord } from '../../model/record.ts'
import type { Placement, Receipt } from '../../model/sink.ts'
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
  /** The confirmed requests that carried its messages: one, unless the call is large. */
  readonly requests: ConfirmedRequest[]
}

/**
 * One record for one topic in the client's own form. Which call it belongs to rides along, so that no closure or
 * promise is needed for a record.
 */
export interface KafkaMessage extends MessageToProduce {
  readonly key: Buffer | undefined
  readonly value: Buffer
  readonly topic: string
  readonly partition: number
  readonly timestamp: bigint
  readonly call: Call
  /** Position in the call's records. */
  readonly index: number
}

export interface ConfirmedRequest {
  readonly messages: readonly KafkaMessage[]
  /** placeKey() -> offset of the first of the messages there. */
  readonly offsets: ReadonlyMap<string, bigint>
}

export function placeKey(topic: string, partition: number): string {
  return `${partition}:${topic}`
}

export function createCall(
  records: readonly OutgoingRecord[],
  settle: { resolve: (receipt: Receipt) => void; reject: (error: Error) => void }
): Call {
  let bytes = 0
  let waiting = 0
  for (const { line, topics } of records) {
    bytes += line.length * topics.length
    waiting += topics.length
  }
  const { resolve, reject } = settle
  const enteredAt = performance.now()
  return { records, bytes, enteredAt, resolve, reject, waiting, settled: false, refusals: [], requests: [] }
}

/** Where the call's records are; found by counting, for the few who ask. */
export function receiptOf(call: Call): Receipt {
  return { places: index => call.requests.flatMap(request => placesIn(request, call, index)) }
}

function placesIn(request: ConfirmedRequest, call: Call, index: number): Placement[] {
  const next = new Map(request.offsets)
  const places: Placement[] = []
  for (const { topic, partition, ...message } of request.messages) {
    const key = placeKey(topic, partition)
    const offset = next.get(key)
    if (offset !== undefined) next.set(key, offset + 1n)
    if (message.call !== call || message.index !== index) continue
    const where = { store: 'kafka', topic, partition } as const
    places.push(offset === undefined ? where : { ...where, offset: String(offset) })
  }
  return places
}
