/** The six calls of Segment's spec, in the order of the contract. */
export const EVENT_TYPES = ['identify', 'track', 'page', 'screen', 'group', 'alias'] as const

export type EventType = (typeof EVENT_TYPES)[number]

const KNOWN: ReadonlySet<unknown> = new Set(EVENT_TYPES)

/** Whether `value` names one of the six calls; case-sensitive, as in Segment's spec. */
export function isEventType(value: unknown): value is EventType {
  return KNOWN.has(value)
}
