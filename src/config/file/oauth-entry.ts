import type { IssuerRule, OAuthIssuer } from '../../model/oauth/issuers.ts'
import type { AppKey, OAuthApp } from '../../model/oauth/oauth.ts'
import { DEFAULT_SCOPE } from '../../model/oauth/oauth.ts'

/** An app in the form of schemas/config.schema.json. */
export interface AppEntry {
  readonly id: string
  readonly publicKeys: readonly AppKey[]
  readonly sources?: readonly string[]
  readonly scope?: string
  readonly ttl?: string
}

const UNIT_SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400 } as const
const DEFAULT_TTL_SECONDS = UNIT_SECONDS.d

/** Parses `90s`, `15m`, `12h` or `1d` to seconds; undefined for any other text. */
export function toSeconds(text: string): number | undefined {
  const match = /^(\d{1,7})([smhd])$/.exec(text)
  return match ? Number(match[1]) * UNIT_SECONDS[match[2] as keyof typeof UNIT_SECONDS] : undefined
}

/** Converts `apps` of tributary.yml, which the schema has checked. */
export function toApps(entries: readonly AppEntry[] | null | undefined): OAuthApp[] {
  return (entries ?? []).map(({ id, publicKeys, sources, scope, ttl }) => ({
    id,
    publicKeys,
    sources,
    scope: scope ?? DEFAULT_SCOPE,
    ttlSeconds: (ttl === undefined ? undefined : toSeconds(ttl)) ?? DEFAULT_TTL_SECONDS
  }))
}

/** An issuer in the form of schemas/config.schema.json. */
export interface IssuerEntry {
  readonly issuer: string
  readonly jwksUri?: string
  readonly audience: string | readonly string[]
  readonly scope?: string
  readonly rules: readonly (Partial<IssuerRule> & Pick<IssuerRule, 'sources'>)[]
}

/** Converts `issuers` of tributary.yml, which the schema has checked. */
export function toIssuers(entries: readonly IssuerEntry[] | null | undefined): OAuthIssuer[] {
  return (entries ?? []).map(({ issuer, jwksUri, audience, scope, rules }) => ({
    issuer,
    jwksUri,
    audience: [audience].flat(),
    scope,
    rules: rules.map(({ claims = {}, sources }) => ({ claims, sources }))
  }))
}
