import { hash } from 'node:crypto'

/** One version of the fleet's tributary.yml, as JSON in the configuration topic under the key `config/<version>`. */
export interface ConfigVersion {
  readonly version: number
  /** The version on which it is based; 0: the topic was empty. */
  readonly base: number
  /** The hash of the text: two servers with the same hash have the same configuration. */
  readonly hash: string
  /** tributary.yml with digests instead of keys. */
  readonly text: string
  /** Who made it: a server or a user at a host. */
  readonly by: string
  /** The reason for it, as text. */
  readonly why: string
  /** RFC 3339, by the clock of its author. */
  readonly at: string
}

/** Says who may write a version; the first for a version counts. */
export interface Claim {
  readonly id: string
  readonly by: string
}

export const hashOfText = (text: string): string => hash('sha256', text, 'hex').slice(0, 16)

export const configKey = (version: number): string => `config/${version}`
/** The key of a seed for messageIds. The first seed in the topic counts. */
export const seedKey = (id: string): string => `ids-seed/${id}`
export const claimKey = (version: number): string => `claim/${version}`

/** Parses a seed; undefined for a record of another kind. */
export function readSeed(key: string, value: Buffer | null): readonly [number, number] | undefined {
  if (value === null || !key.startsWith(seedKey(''))) return undefined
  try {
    const read: unknown = JSON.parse(value.toString())
    const [high, low] = Array.isArray(read) ? (read as unknown[]) : []
    return Number.isInteger(high) && Number.isInteger(low) ? [high as number, low as number] : undefined
  } catch {
    return undefined
  }
}

/** Parses a key of the topic; undefined for a key of another kind. */
export function readKey(key: string): { readonly kind: 'config' | 'claim'; readonly version: number } | undefined {
  const [, kind, version] = /^(config|claim)\/([1-9][0-9]{0,14})$/.exec(key) ?? []
  return version === undefined ? undefined : { kind: kind as 'config' | 'claim', version: Number(version) }
}

export function readVersion(value: Buffer, version: number): ConfigVersion | undefined {
  const read = readJson(value)
  const { base, text, by, why, at } = read ?? {}
  if (read?.version !== version || typeof base !== 'number' || typeof text !== 'string') return undefined
  return { version, base, text, hash: hashOfText(text), by: String(by), why: String(why), at: String(at) }
}

export function readClaim(value: Buffer): Claim | undefined {
  const { id, by } = readJson(value) ?? {}
  return typeof id === 'string' ? { id, by: String(by) } : undefined
}

function readJson(value: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const read: unknown = JSON.parse(value.toString())
    return typeof read === 'object' && read !== null ? { ...read } : undefined
  } catch {
    return undefined
  }
}
