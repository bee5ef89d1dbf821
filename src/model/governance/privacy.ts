/** `privacy:` of tributary.yml, the file's under the source's own, key by key. */
export interface PrivacyConfig {
  /** What becomes of IP addresses: the sender's, and `context.ip`. */
  readonly ip: IpPolicy
  /** Paths of members that are left out: `properties.card.number`; `*` stands for any key or index. */
  readonly drop: readonly string[]
  /** Keys that are left out wherever they stand; `*` stands for any characters, case does not matter. */
  readonly dropKeys: readonly string[]
  /** Paths whose values are hashed; also `userId`, `anonymousId`, `previousId`, `groupId`. */
  readonly hash: readonly string[]
  /** Keys whose values are hashed wherever they stand. */
  readonly hashKeys: readonly string[]
}

export const IP_POLICIES = ['keep', 'truncate', 'drop'] as const

export type IpPolicy = (typeof IP_POLICIES)[number]

export const NO_PRIVACY: PrivacyConfig = { ip: 'keep', drop: [], dropKeys: [], hash: [], hashKeys: [] }

/** Whether a rule needs the key of the HMAC. */
export function hashesAnything({ hash, hashKeys }: PrivacyConfig): boolean {
  return hash.length + hashKeys.length > 0
}
