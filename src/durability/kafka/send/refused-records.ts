import type { Refusal } from '../../lanes/call.ts'

/**
 * Kafka refuses these records for good: sending them again is useless. Every other record of the same publish()
 * call is durable, so that a caller can put just these aside.
 */
export class RefusedRecords extends Error {
  override readonly name = 'RefusedRecords'
  readonly code = 'SINK_REFUSED_RECORD'
  /** By index, then in the order of the record's topics. */
  readonly refusals: readonly Refusal[]

  constructor(refusals: readonly Refusal[]) {
    super(`Kafka refuses ${refusals.length} of the records: ${refusals[0]?.topic}: ${refusals[0]?.reason}`)
    this.refusals = refusals
  }
}
