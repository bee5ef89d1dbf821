import type { Attributes } from '@opentelemetry/api'

/** A span whose time is over when it is made. */
export interface PastSpan {
  readonly name: string
  readonly kind?: number
  readonly attributes?: Attributes
  /** The type of its error; undefined if there is none. */
  readonly error?: string | undefined
  /** Milliseconds since the epoch. */
  readonly from: number
  readonly to: number
}
