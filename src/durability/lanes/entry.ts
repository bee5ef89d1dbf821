import type { OutgoingRecord } from '../../model/record.ts'
import type { KafkaRecord } from '../kafka/encode/message.ts'
import type { Call } from './call.ts'
import type { Lane } from './lane.ts'

/** A position in the log, as a number that rises from line to line over all segments. */
export type Place = number

/** Behind every line of the log. */
export const NO_PLACE: Place = Infinity

/** What is known of an entry's line in the log. */
export type Stored = 'no' | 'writing' | 'yes'

/** A record on its way to Kafka, shared by its lanes. */
export class Entry {
  record: OutgoingRecord
  /** As Kafka gets it; made when it is first sent. */
  value: KafkaRecord | undefined = undefined
  /** Of its line. */
  readonly bytes: number
  /** Monotonic milliseconds at which it was published; -Infinity when it was read from the log. */
  readonly enteredAt: number
  /** Rises with each entry. */
  readonly order: number
  /** Undefined once nobody waits for it any more: a call holds on to all memory of its request. */
  call: Call | undefined
  /** Position in the records of the call. */
  readonly index: number
  lanes: readonly Lane[]
  /** Lanes that have not confirmed it. */
  pending: number
  /** Lanes that have it in their queue. */
  queued = 0
  stored: Stored = 'no'
  /** Rises in the order in which lines were handed in to be written. */
  ticket = 0
  /** Of its line; NO_PLACE until that is written. */
  place: Place = NO_PLACE
  /** Whether its call waits for the log: then a failure to write is the call's failure. */
  mustStore = false
  #safe = false

  constructor(parts: {
    readonly record: OutgoingRecord
    readonly lanes: readonly Lane[]
    readonly order: number
    readonly enteredAt: number
    readonly call: Call | undefined
    readonly index: number
  }) {
    this.record = parts.record
    this.bytes = parts.record.lineEnd - parts.record.lineStart
    this.lanes = parts.lanes
    this.order = parts.order
    this.enteredAt = parts.enteredAt
    this.call = parts.call
    this.index = parts.index
    this.pending = parts.lanes.length
  }

  /** It is confirmed on all its lanes, or written: its call need not wait for it. */
  noteSafe(): void {
    if (this.#safe) return
    this.#safe = true
    this.call?.noteSafe()
  }
}
