/**
 * Keys that SDKs send at the top level: the walk tells each by its number here, so that no string is made or compared
 * for it. ASCII letters and underscores; at most 32 keys, of at most 31 characters.
 */
export const KEY = {
  type: 0,
  messageId: 1,
  userId: 2,
  anonymousId: 3,
  groupId: 4,
  previousId: 5,
  event: 6,
  name: 7,
  category: 8,
  properties: 9,
  traits: 10,
  context: 11,
  integrations: 12,
  timestamp: 13,
  originalTimestamp: 14,
  sentAt: 15,
  receivedAt: 16,
  writeKey: 17,
  batch: 18,
  channel: 19,
  version: 20,
  projectId: 21,
  _metadata: 22,
  options: 23,
  metrics: 24
} as const

/** By number. */
export const KEYS = Object.keys(KEY) as readonly (keyof typeof KEY)[]

/** Keys whose values many events share, whole: the walk gives these values ids. */
export const KEYS_WITH_IDS: ReadonlySet<number> = new Set([
  KEY.type,
  KEY.event,
  KEY.name,
  KEY.category,
  KEY.context,
  KEY.integrations
])

/** The number of a key; -1 for others. */
export function numberOfKey(key: string): number {
  return KEYS.indexOf(key as keyof typeof KEY)
}
