import type { Placement, ReadPlaces, Receipt } from '../../model/sink.ts'
import type { Call, ConfirmedRequest, Landing, Offsets, PartitionBatch } from './call.ts'

/** A message's mark: the record's index in its call, the topic's number, the partition, and the offset. */
const NUMBERS_A_MARK = 4
const UNKNOWN = -1

/** Where messages came to lie: told as they are confirmed, read by whoever keeps a receipt. */
export class Landings {
  /** By number. As many as there are topics: names come from the configuration, and brokers limit them. */
  readonly #topics: string[] = []
  readonly #numbers = new Map<string, number>()

  /** Marks each message's call; messages of a request lie in their partition in the request's order. */
  land({ messages, offsets }: ConfirmedRequest): void {
    for (const { batch, call, index } of messages) {
      const landing = (batch.landing ??= this.#landingOf(batch, offsets))
      const { topic, offset } = landing
      if (offset !== UNKNOWN) landing.offset++
      // An array grows by leaps, and most calls have one message.
      if (call.marks === undefined) call.marks = [index, topic, batch.partition, offset]
      else call.marks.push(index, topic, batch.partition, offset)
    }
  }

  /** Where the call's records are. Holds on to nothing else of the call. */
  receiptOf({ marks = [] }: Call): Receipt {
    return { marks, read: this.#read, released: true }
  }

  readonly #read: ReadPlaces = (marks, index) => {
    const placements: Placement[] = []
    for (let at = 0; at < marks.length; at += NUMBERS_A_MARK) {
      if (marks[at] === index) placements.push(this.#placementAt(marks, at))
    }
    return placements
  }

  #placementAt(marks: ArrayLike<number>, at: number): Placement {
    const topic = this.#topics[marks[at + 1] as number] as string
    const [partition, offset] = [marks[at + 2] as number, marks[at + 3] as number]
    const where = { store: 'kafka', topic, partition } as const
    return offset === UNKNOWN ? where : { ...where, offset: String(offset) }
  }

  #landingOf({ topic, partition }: PartitionBatch, offsets: Offsets): Landing {
    const offset = offsets.get(topic)?.get(partition)
    return { topic: this.#numberOf(topic), offset: offset === undefined ? UNKNOWN : Number(offset) }
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
