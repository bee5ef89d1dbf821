/** A position in the log, as a number that rises from line to line over all segments. */
export type Place = number

/** Behind every line of the log. */
export const NO_PLACE: Place = Infinity

/** The partition of the lane of a topic whose partitions are not known. */
export const UNKNOWN_PARTITION = -1
