/**
 * Numbers of the top-level keys that SDKs send. The walk (wasm/walk.ts) reports a key by its number, so that no string is
 * created or compared for it. Keys are ASCII letters and underscores, at most 32 keys of at most 31 characters.
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

/** The keys by their numbers. */
export const KEYS = Object.keys(KEY) as readonly (keyof typeof KEY)[]

/** Flags of WALK_HINTS, with the values that wasm/walk.ts expects. */
const ID = 1
const SHAPE = 2
const SHAPE_IN_PAGES = 4
const IS_TYPE = 8
const IS_REMEMBERED = 16

/**
 * What the walk computes for the values of a key in events, by the number of the key. ID: an id of the whole value, for
 * values that consecutive events share. IS_REMEMBERED: the key has few values, whose ids are kept longer. SHAPE: an id of
 * the value's structure, for values that the contract checks inside; SHAPE_IN_PAGES: only in page events.
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

/** The number of a key; -1 if the key is not in KEYS. */
export function numberOfKey(key: string): number {
  return KEYS.indexOf(key as keyof typeof KEY)
}
