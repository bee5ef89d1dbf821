/** A record that Kafka will never take as it is, and why. */
export interface Refusal {
  /** Position in the records of the publish() call. */
  readonly index: number
  readonly topic: string
  readonly reason: string
}

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

/** By brand, not by instanceof, so that two copies of this file still understand one another. */
export function isRefusedRecords(error: unknown): error is RefusedRecords {
  return error instanceof Error && (error as { code?: unknown }).code === 'SINK_REFUSED_RECORD'
}
