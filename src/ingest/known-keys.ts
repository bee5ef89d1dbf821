/**
 * Keys that SDKs send at the top level: the walk tells each by its number here, so that no string is made for it.
 * ASCII letters and underscores; at most 32 keys, of at most 31 characters.
 */
export const KEYS: readonly string[] = [
  'type',
  'messageId',
  'userId',
  'anonymousId',
  'groupId',
  'previousId',
  'event',
  'name',
  'category',
  'properties',
  'traits',
  'context',
  'integrations',
  'timestamp',
  'originalTimestamp',
  'sentAt',
  'receivedAt',
  'writeKey',
  'batch',
  'channel',
  'version',
  'projectId',
  '_metadata'
]
const NAMES: ReadonlySet<string> = new Set(KEYS)

export function isKnownKey(key: string): boolean {
  return NAMES.has(key)
}
