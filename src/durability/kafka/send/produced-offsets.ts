import type { Placement, ReadPlaces, Receipt } from '../../../model/sink.ts'
import type { Call } from '../../lanes/call.ts'
import type { Lane, LaneEntry } from '../../lanes/lane.ts'

/** A mark has four numbers: the record's index in its call, the kind of place, and two numbers for the place. */
const NUMBERS_A_MARK = 4
const UNKNOWN = -1
/** In place of a topic's number: the record is in refused.jsonl, or in the segment whose time this is, counted down. */
const IN_REFUSED = -1

/** Names the segment of a sequence number that was begun in this second of the epoch. */
export interface ProducedOffsetsOptions {
  readonly segmentFile: (seconds: number, sequence: number) => string
  readonly refusedFile: string
}

/** Where records are stored: written as they become durable, read through receipts. */
export class ProducedOffsets {
  /** Names of topics by number. Bounded: the configuration names them, and brokers limit how many there are. */
  readonly #topics: string[] = []
  readonly #numbers = new Map<string, number>()
  readonly #options: ProducedOffsetsOptions | undefined

  constructor(options?: ProducedOffsetsOptions) {
    this.#options = options
  }

  /**
   * Returns the function that notes that Kafka has stored an entry of a batch in this partition.
   *
   * @param baseOffset of the first record of the batch; negative if the answer of Kafka has none
   */
  inKafka({ topic, partition }: Lane, baseOffset: number): (entry: LaneEntry, at: number) => void {
    const kind = this.#numberOf(topic)
    return (entry, at) => mark(entry, kind, partition, baseOffset < 0 ? UNKNOWN : baseOffset + at)
  }

  inSegment(entry: LaneEntry, at: { seconds: number; sequence: number }, position: number): void {
    mark(entry, IN_REFUSED - 1 - at.seconds, at.sequence, position)
  }

  inRefused(entry: LaneEntry): void {
    mark(entry, IN_REFUSED, 0, 0)
  }

  /** The receipt for the call's records. It keeps no other part of the call in memory. */
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

/** A receipt has the places from before its call settled. */
function mark({ call, index }: LaneEntry, kind: number, first: number, second: number): void {
  if (call === undefined || call.settled) return
  // Most calls have one record: an array of exactly its marks is smaller than one that grew.
  if (call.marks === undefined) call.marks = [index, kind, first, second]
  else call.marks.push(index, kind, first, second)
}
