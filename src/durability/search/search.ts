import type { Background } from '../../model/background.ts'
import type { Placement } from '../../model/sink.ts'

/** A record to be found. */
export interface Search {
  /** As escapedId() returns it. */
  readonly messageId: string
  /** Ends the search; the result is what was found until then. */
  readonly signal: AbortSignal
  readonly background: Background
}

/** A record that was found by its messageId. */
export interface FoundRecord {
  readonly place: Placement
  /** JSON, without the line feed. */
  readonly value: string
  /** Milliseconds since the epoch; undefined if the place has no time. */
  readonly at?: number
  /** The number of the line in its file, from 1, as in editors; undefined if the time ran out before it was known. */
  readonly line?: number | undefined
}

export interface SearchResult {
  readonly records: readonly FoundRecord[]
  /** Whether everything was searched. */
  readonly complete: boolean
  /** Milliseconds since the epoch: everything younger was searched. Undefined if all was, or if that is not known. */
  readonly back?: number
}
