import type { OutgoingRecord } from '../../model/record.ts'
import type { Lane } from './lane.ts'

/** A position in the log, as a number that rises from line to line over all segments. */
export type Place = number

/** Behind every line of the log. */
export const NO_PLACE: Place = Infinity

/** A record that Kafka will never take as it is. */
export interface Refusal {
  /** Position in the records of the publish() call. */
  readonly index: number
  readonly topic: string
  readonly reason: string
}

/** One publish(). It is settled once: when each of its records is safe, or when that cannot be had now. */
export class Call {
  readonly records: readonly OutgoingRecord[]
  /** Called once, when every record is confirmed on all its lanes or written to the log. */
  readonly onSafe: (call: Call) => void
  readonly onFailed: (call: Call, error: Error) => void
  /** Records that are not safe yet. */
  waiting: number
  /** Records whose lines are being written to the log: their memory is in use. */
  writing = 0
  settled = false
  /** Where its records are, as Landings has it. */
  marks: number[] | undefined = undefined
  refusals: Refusal[] | undefined = undefined

  constructor(
    records: readonly OutgoingRecord[],
    settle: { readonly onSafe: (call: Call) => void; readonly onFailed: (call: Call, error: Error) => void }
  ) {
    this.records = records
    this.onSafe = settle.onSafe
    this.onFailed = settle.onFailed
    this.waiting = records.length
  }

  /** One more record is safe. */
  noteSafe(): void {
    if (--this.waiting > 0 || this.settled) return
    this.settled = true
    this.onSafe(this)
  }

  fail(error: Error): void {
    if (this.settled) return
    this.settled = true
    this.onFailed(this, error)
  }
}

/** What is known of an entry's line in the log. */
export type Stored = 'no' | 'writing' | 'yes'

/** A record on its way to Kafka, shared by its lanes. */
export class Entry {
  record: OutgoingRecord
  /** Of its line. */
  readonly bytes: number
  /** Monotonic milliseconds at which it was published; -Infinity when it was read from the log. */
  readonly enteredAt: number
  /** Rises with each entry. */
  readonly order: number
  readonly call: Call | undefined
  /** Position in the records of the call. */
  readonly index: number
  lanes: readonly Lane[]
  /** Lanes that have not confirmed it. */
  pending: number
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
