import type { OutgoingRecord } from '../../model/record.ts'

/** A record that Kafka never accepts as it is. */
export interface Refusal {
  /** Position in the records of the publish() call. */
  readonly index: number
  readonly topic: string
  readonly reason: string
}

/** One call of publish(). It settles once: when all its records are safe, or when they cannot be made safe now. */
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
  /** Where the records of the call are, in the form of ProducedOffsets. */
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
