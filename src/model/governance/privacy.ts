/**
 * The rules of `privacy:` in tributary.yml: those of the source, and below them those of the file, member by member.
 */
export interface PrivacyConfig {
  /** The policy for IP addresses: the sender's, and `context.ip`. */
  readonly ip: IpPolicy
  /** Paths of members to remove: `properties.card.number`; `*` matches any key or index. */
  readonly drop: readonly string[]
  /** Keys to remove wherever they are; `*` matches any characters. Upper and lower case do not matter. */
  readonly dropKeys: readonly string[]
  /** Paths of values to hash; also `userId`, `anonymousId`, `previousId`, `groupId`. */
  readonly hash: readonly string[]
  /** Keys whose values are hashed wherever they are. */
  readonly hashKeys: readonly string[]
}

export const IP_POLICIES = ['keep', 'truncate', 'drop'] as const

export type IpPolicy = (typeof IP_POLICIES)[number]

export const NO_PRIVACY: PrivacyConfig = { ip: 'keep', drop: [], dropKeys: [], hash: [], hashKeys: [] }

/** Whether a rule needs the key of the HMAC. */
export function hashesAnything({ hash, hashKeys }: PrivacyConfig): boolean {
  return hash.length + hashKeys.length > 0
}
