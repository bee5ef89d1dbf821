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

/** What the walk tells of a value, as wasm/walk.ts numbers it. */
const ID = 1
const SHAPE = 2
const SHAPE_IN_PAGES = 4
const IS_TYPE = 8
const IS_REMEMBERED = 16

/**
 * By number of a key: what the walk tells of its values in events. An id of those that many events share, whole, for as
 * long as they come one after the other or, where there are few, for longer; a shape of those that the contract looks into
 * and that look the same in many.
 */
export const WALK_HINTS: Readonly<Partial<Record<number, number>>> = {
  [KEY.type]: ID | IS_REMEMBERED | IS_TYPE,
  [KEY.event]: ID,
  [KEY.name]: ID,
  [KEY.category]: ID,
  [KEY.properties]: SHAPE_IN_PAGES,
  [KEY.context]: ID | SHAPE,
  [KEY.integrations]: ID | IS_REMEMBERED
}

/** The number of a key; -1 for others. */
export function numberOfKey(key: string): number {
  return KEYS.indexOf(key as keyof typeof KEY)
}
