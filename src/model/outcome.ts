/** The outcomes of an event, which has exactly one. The received events are the sum of these, by source and type. */
export const OUTCOMES = [
  'accepted',
  'duplicate',
  'rejected',
  'rate_limited',
  'failed',
  'filtered',
  'suppressed'
] as const

export type Outcome = (typeof OUTCOMES)[number]
