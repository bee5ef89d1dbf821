import { decodeJwt, decodeProtectedHeader, errors, jwtVerify } from 'jose'
import type { JWTPayload, ProtectedHeaderParameters } from 'jose'
import type { TokenErrorCode } from '../model/oauth/token-errors.ts'
import type { AppKey, OAuthApp } from '../model/oauth/oauth.ts'
import { MAX_LIFETIME_SECONDS, TOLERANCE_SECONDS } from './assertion-times.ts'
import { publicKeyOf } from './public-keys.ts'

/** A valid assertion, whose jti may have been used before. */
export interface GoodAssertion {
  readonly app: OAuthApp
  readonly kid: string
  readonly jti: string
}

export interface AssertionRules {
  readonly apps: readonly OAuthApp[]
  /** The accepted values of `aud`, without a trailing slash. The first one is also accepted as `iss`. */
  readonly audiences: readonly string[]
  /** Milliseconds since the epoch. */
  readonly now: number
}

const MAX_ASSERTION_CHARS = 8 * 1024
const MAX_JTI_CHARS = 255
/** RFC 7515, 4.1.9; the second is that of RFC 7523bis. */
const TYPES: readonly unknown[] = [undefined, 'jwt', 'client-authentication+jwt']

/** Checks a client assertion (RFC 7523, 3). Resolves with the code of the error if its form, signature, claims or times are not valid. */
export async function checkAssertion(
  assertion: string,
  { apps, audiences, now }: AssertionRules
): Promise<GoodAssertion | TokenErrorCode> {
  const parts = assertion.length > MAX_ASSERTION_CHARS ? undefined : decode(assertion)
  if (parts === undefined) return 'assertion_malformed'
  const { header, claims } = parts
  const app = apps.find(({ id }) => id === claims.sub)
  if (app === undefined) return 'app_unknown'
  const appKey = app.publicKeys.find(({ kid }) => kid === header.kid)
  if (appKey === undefined) return 'key_unknown'
  const fault = (await verify(assertion, { header, appKey, now })) ?? claimsFault(claims, now / 1000)
  if (fault !== undefined) return fault
  if (claims.iss !== app.id && withoutSlash(claims.iss) !== audiences[0]) return 'issuer'
  if (!isFor(claims.aud, audiences)) return 'audience'
  return { app, kid: appKey.kid, jti: claims.jti ?? '' }
}

interface Parts {
  readonly header: ProtectedHeaderParameters
  readonly claims: JWTPayload
}

/** Decodes a JWT without checking it; undefined if it is not a signed JWT. */
function decode(assertion: string): Parts | undefined {
  try {
    return { header: decodeProtectedHeader(assertion), claims: decodeJwt(assertion) }
  } catch {
    return undefined
  }
}

/** Checks the signature, and the times that the library checks. */
async function verify(
  assertion: string,
  { header, appKey, now }: { readonly header: Parts['header']; readonly appKey: AppKey; readonly now: number }
): Promise<TokenErrorCode | undefined> {
  const { key, algorithm } = publicKeyOf(appKey)
  const type = typeof header.typ === 'string' ? header.typ.toLowerCase() : header.typ
  if (header.alg !== algorithm) return 'algorithm'
  if (!TYPES.includes(type)) return 'assertion_malformed'
  try {
    await jwtVerify(assertion, key, {
      algorithms: [algorithm],
      clockTolerance: TOLERANCE_SECONDS,
      currentDate: new Date(now)
    })
    return undefined
  } catch (error) {
    return faultOf(error)
  }
}

function faultOf(error: unknown): TokenErrorCode {
  if (error instanceof errors.JWTExpired) return 'expired'
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'signature'
  if (!(error instanceof errors.JWTClaimValidationFailed)) return 'assertion_malformed'
  return error.claim === 'nbf' && error.reason === 'check_failed' ? 'early' : 'claims'
}

/** Checks what the library does not check. A clock that is ahead is reported first, so that the client can correct it. */
function claimsFault({ exp, iat, jti }: JWTPayload, nowSeconds: number): TokenErrorCode | undefined {
  if (typeof exp !== 'number' || typeof iat !== 'number') return 'claims'
  if (typeof jti !== 'string' || jti === '' || jti.length > MAX_JTI_CHARS) return 'claims'
  if (iat > nowSeconds + TOLERANCE_SECONDS) return 'early'
  return exp > nowSeconds + MAX_LIFETIME_SECONDS ? 'lifetime' : undefined
}

/** Whether the assertion has exactly one audience, and that one is accepted. One of several servers could use it at another. */
function isFor(audience: JWTPayload['aud'], audiences: readonly string[]): boolean {
  const [only, ...more] = [audience].flat()
  return more.length === 0 && audiences.includes(withoutSlash(only) ?? '')
}

/** A URL in its normal form (RFC 3986, 6.2.2 and 6.2.3), without trailing slashes; undefined if it is not a text. */
function withoutSlash(text: unknown): string | undefined {
  if (typeof text !== 'string') return undefined
  return (URL.canParse(text) ? new URL(text).href : text).replace(/\/+$/, '')
}
