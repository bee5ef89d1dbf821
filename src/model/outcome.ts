/** The one fate of an event. Received = the sum of these, by source and type. */
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
