import { UserError } from '@platformatic/kafka'

/** What goes to one partition in one request, as the client numbers it. */
export interface NumberedBatch {
  readonly producerId: bigint | undefined
  readonly producerEpoch: number | undefined
  /** The client's number of the first of the messages. */
  readonly number: number | undefined
  /** How many the client counts. */
  readonly messages: number
  /** How many Kafka counts. */
  readonly records: number
}

/**
 * The client numbers what it is handed, one message for each batch; Kafka numbers records. When a number is given,
 * given again or begun anew is the client's decision alone: here its numbers are only put in terms of records. A number
 * that is neither the last one again, nor the one behind it, nor the first of a new producer id fails the request
 * before it is sent; a guess might be acknowledged as a repeat and lost.
 */
export class RecordSequences {
  readonly #last = new Map<string, NumberedBatch & { readonly first: number }>()

  /** The sequence number of the first record. */
  firstOf(place: string, batch: NumberedBatch): number {
    const last = this.#last.get(place)
    const first = last !== undefined && isOfOneProducer(last, batch) ? firstAfter(last, batch) : firstOfAll(batch)
    if (first === undefined) {
      throw new UserError(`batch ${batch.number} of ${place} does not follow batch ${last?.number ?? 'none'}`)
    }
    this.#last.set(place, { ...batch, first })
    return first
  }
}

function isOfOneProducer(one: NumberedBatch, other: NumberedBatch): boolean {
  return one.producerId === other.producerId && one.producerEpoch === other.producerEpoch
}

function firstAfter(last: NumberedBatch & { readonly first: number }, batch: NumberedBatch): number | undefined {
  if (last.number === undefined) return undefined
  if (batch.number === last.number + last.messages) return last.first + last.records
  const isRepeat = batch.number === last.number && batch.messages === last.messages && batch.records === last.records
  return isRepeat ? last.first : undefined
}

function firstOfAll({ number }: NumberedBatch): number | undefined {
  return number === 0 ? 0 : undefined
}
