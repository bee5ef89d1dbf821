import type { IssuerRule, OAuthIssuer } from '../../model/oauth/issuers.ts'
import type { AppKey, OAuthApp } from '../../model/oauth/oauth.ts'
import { DEFAULT_SCOPE } from '../../model/oauth/oauth.ts'

/** An app as schemas/config.schema.json has it. */
export interface AppEntry {
  readonly id: string
  readonly publicKeys: readonly AppKey[]
  readonly sources?: readonly string[]
  readonly scope?: string
  readonly ttl?: string
}

const UNIT_SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400 } as const
const DEFAULT_TTL_SECONDS = UNIT_SECONDS.d

/** `90s`, `15m`, `12h` or `1d` in seconds; undefined for another text. */
export function toSeconds(text: string): number | undefined {
  const match = /^(\d{1,7})([smhd])$/.exec(text)
  return match ? Number(match[1]) * UNIT_SECONDS[match[2] as keyof typeof UNIT_SECONDS] : undefined
}

/** `apps` of tributary.yml. The schema has checked the form. */
export function toApps(entries: readonly AppEntry[] | null | undefined): OAuthApp[] {
  return (entries ?? []).map(({ id, publicKeys, sources, scope, ttl }) => ({
    id,
    publicKeys,
    sources,
    scope: scope ?? DEFAULT_SCOPE,
    ttlSeconds: (ttl === undefined ? undefined : toSeconds(ttl)) ?? DEFAULT_TTL_SECONDS
  }))
}

/** An issuer as schemas/config.schema.json has it. */
export interface IssuerEntry {
  readonly issuer: string
  readonly jwksUri?: string
  readonly audience: string | readonly string[]
  readonly scope?: string
  readonly rules: readonly (Partial<IssuerRule> & Pick<IssuerRule, 'sources'>)[]
}

/** `issuers` of tributary.yml. */
export function toIssuers(entries: readonly IssuerEntry[] | null | undefined): OAuthIssuer[] {
  return (entries ?? []).map(({ issuer, jwksUri, audience, scope, rules }) => ({
    issuer,
    jwksUri,
    audience: [audience].flat(),
    scope,
    rules: rules.map(({ claims = {}, sources }) => ({ claims, sources }))
  }))
}
