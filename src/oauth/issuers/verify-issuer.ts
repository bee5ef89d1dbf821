import { decodeJwt, errors, jwtVerify } from 'jose'
import type { JWTPayload } from 'jose'
import type { ErrorCode } from '../../model/errors.ts'
import type { OAuthIssuer } from '../../model/oauth/issuers.ts'
import type { TributaryFile } from '../../model/tributary-file.ts'
import type { IssuerKeysOptions } from './issuer-keys.ts'
import { IssuerKeys, IssuerUnavailable } from './issuer-keys.ts'
import { tokenFault } from '../token-fault.ts'
import type { VerifiedToken } from '../verified-token.ts'

export interface IssuerOptions extends IssuerKeysOptions {
  /** The tributary.yml in force. */
  readonly file: () => TributaryFile
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** The algorithms of the four issuers in docs/oauth.md, without `none` and without shared secrets. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'EdDSA']
/** The accepted difference between the clocks of issuer and server, in seconds. */
const TOLERANCE_SECONDS = 60

/** Creates the check of tokens of configured issuers. The check returns undefined for a token of any other issuer. */
export function createIssuerCheck(options: IssuerOptions) {
  const keys = new WeakMap<OAuthIssuer, IssuerKeys>()
  const known = (): readonly OAuthIssuer[] => options.file().issuers ?? []

  function keysOf(issuer: OAuthIssuer): IssuerKeys {
    const found = keys.get(issuer) ?? new IssuerKeys(issuer, options)
    keys.set(issuer, found)
    return found
  }

  return async (token: string): Promise<VerifiedToken | ErrorCode | undefined> => {
    const iss = issuerOf(token)
    const issuer = known().find(one => one.issuer === iss)
    if (issuer === undefined) return undefined
    try {
      const { payload } = await jwtVerify(token, keysOf(issuer).get, {
        algorithms: ALGORITHMS,
        issuer: issuer.issuer,
        audience: [...issuer.audience],
        requiredClaims: ['exp'],
        clockTolerance: TOLERANCE_SECONDS,
        currentDate: new Date(options.now())
      })
      return issuedToken(payload)
    } catch (error) {
      if (error instanceof IssuerUnavailable) return 'issuer_unavailable'
      return error instanceof errors.JWKSNoMatchingKey ? 'token_unknown_key' : tokenFault(error)
    }
  }
}

function issuerOf(token: string): unknown {
  try {
    return decodeJwt(token).iss
  } catch {
    return undefined
  }
}

/** Creates the token. Its rights are looked up in the file in force, so that an edit applies at once. */
function issuedToken(payload: JWTPayload): VerifiedToken {
  return {
    expiresAt: ((payload.exp ?? 0) + TOLERANCE_SECONDS) * 1000,
    isKeyKnown: () => true,
    refusal({ issuers = [] }, sourceId) {
      const issuer = issuers.find(one => one.issuer === payload.iss)
      const audiences = [payload.aud ?? []].flat()
      if (issuer === undefined || !issuer.audience.some(one => audiences.includes(one))) return 'token_revoked'
      if (issuer.scope !== undefined && !scopesOf(payload).includes(issuer.scope)) return 'token_scope'
      const rules = issuer.rules.filter(({ claims }) =>
        Object.entries(claims).every(([name, value]) => has(payload, name, value))
      )
      return rules.some(({ sources }) => sources.includes(sourceId)) ? undefined : 'token_source'
    }
  }
}

/** The scopes of a token: `scope` (RFC 8693, Keycloak, Auth0), `scp` (a list in Okta, a text in Entra), `roles` (Entra's applications). */
function scopesOf({ scope, scp, roles }: JWTPayload): readonly unknown[] {
  return [scope, scp, roles].flatMap(value =>
    typeof value === 'string' ? value.split(' ') : Array.isArray(value) ? value : []
  )
}

function has(payload: JWTPayload, name: string, value: string): boolean {
  const claim = Object.hasOwn(payload, name) ? payload[name] : undefined
  return Array.isArray(claim) ? claim.includes(value) : claim === value
}
