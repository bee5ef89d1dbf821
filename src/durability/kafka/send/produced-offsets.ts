import type { Placement, ReadPlaces, Receipt } from '../../../model/sink.ts'
import type { Call } from '../../lanes/call.ts'

/** A mark: the record's index in its call, what it is a mark of, and two numbers of that. */
const NUMBERS_A_MARK = 4
const UNKNOWN = -1
/** In place of a topic's number: the record is in refused.jsonl, or in the segment whose time this is, counted down. */
const IN_REFUSED = -1

/** Names the segment of a sequence number that was begun in this second of the epoch. */
export interface ProducedOffsetsOptions {
  readonly segmentFile: (seconds: number, sequence: number) => string
  readonly refusedFile: string
}

/** Where records came to lie: told as they become durable, read by whoever keeps a receipt. */
export class ProducedOffsets {
  /** By number. As many as there are topics: names come from the configuration, and brokers limit them. */
  readonly #topics: string[] = []
  readonly #numbers = new Map<string, number>()
  readonly #options: ProducedOffsetsOptions | undefined

  constructor(options?: ProducedOffsetsOptions) {
    this.#options = options
  }

  /** Kafka has the record. @param offset undefined where Kafka does not say it */
  inKafka(call: Call, index: number, at: { topic: string; partition: number; offset: bigint | undefined }): void {
    mark(call, index, [this.#numberOf(at.topic), at.partition, at.offset === undefined ? UNKNOWN : Number(at.offset)])
  }

  inSegment(call: Call, index: number, at: { seconds: number; sequence: number; position: number }): void {
    mark(call, index, [IN_REFUSED - 1 - at.seconds, at.sequence, at.position])
  }

  inRefused(call: Call, index: number): void {
    mark(call, index, [IN_REFUSED, 0, 0])
  }

  /** Where the call's records are. Holds on to nothing else of the call. */
  receiptOf({ marks = [], writing }: Call): Receipt {
    return { marks, read: this.#read, released: writing === 0 }
  }

  readonly #read: ReadPlaces = (marks, index) => {
    const placements: Placement[] = []
    for (let at = 0; at < marks.length; at += NUMBERS_A_MARK) {
      if (marks[at] === index) placements.push(this.#placementAt(marks, at))
    }
    return placements
  }

  #placementAt(marks: ArrayLike<number>, at: number): Placement {
    const [kind, first, second] = [marks[at + 1] as number, marks[at + 2] as number, marks[at + 3] as number]
    if (kind < 0) {
      const { segmentFile, refusedFile = '' } = this.#options ?? {}
      if (kind === IN_REFUSED) return { store: 'spool', file: refusedFile }
      return { store: 'spool', file: segmentFile?.(IN_REFUSED - 1 - kind, first) ?? '', position: second }
    }
    const where = { store: 'kafka', topic: this.#topics[kind] as string, partition: first } as const
    return second === UNKNOWN ? where : { ...where, offset: String(second) }
  }

  #numberOf(topic: string): number {
    let number = this.#numbers.get(topic)
    if (number === undefined) {
      number = this.#topics.push(topic) - 1
      this.#numbers.set(topic, number)
    }
    return number
  }
}

/** An array grows by leaps, and most calls have one record. */
function mark(call: Call, index: number, [kind, first, second]: readonly [number, number, number]): void {
  if (call.marks === undefined) call.marks = [index, kind, first, second]
  else call.marks.push(index, kind, first, second)
}
