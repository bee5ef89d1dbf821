import type { Refusal } from '../../lanes/call.ts'

/**
 * Kafka never accepts these records. All other records of the same publish() call are durable, so that the caller can
 * store these apart.
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
