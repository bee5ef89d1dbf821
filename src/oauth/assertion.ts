import { decodeJwt, decodeProtectedHeader, errors, jwtVerify } from 'jose'
import type { JWTPayload, ProtectedHeaderParameters } from 'jose'
import type { TokenErrorCode } from '../model/oauth/token-errors.ts'
import type { AppKey, OAuthApp } from '../model/oauth/oauth.ts'
import { publicKeyOf } from './public-keys.ts'

/** An assertion that is good, but for its jti, which may have been used before. */
export interface GoodAssertion {
  readonly app: OAuthApp
  readonly kid: string
  readonly jti: string
}

export interface AssertionRules {
  readonly apps: readonly OAuthApp[]
  /** What `aud` may be, without a trailing slash; the first one may be `iss` too. */
  readonly audiences: readonly string[]
  /** Milliseconds since the epoch. */
  readonly now: number
}

const MAX_ASSERTION_CHARS = 8 * 1024
const MAX_JTI_CHARS = 255
/** The most that `exp` may lie ahead, in seconds. */
const MAX_LIFETIME_SECONDS = 120
/** How wrong the clock of a client may be, in seconds. */
const TOLERANCE_SECONDS = 60
/** RFC 7515, 4.1.9; the second is that of RFC 7523bis. */
const TYPES: readonly unknown[] = [undefined, 'jwt', 'client-authentication+jwt']

/** How long a jti has to be remembered, in seconds. */
export const REPLAY_WINDOW_SECONDS = MAX_LIFETIME_SECONDS + TOLERANCE_SECONDS

/** Checks a client assertion (RFC 7523, 3). What is refused was signed by nobody, or by the wrong one, or at the wrong time. */
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

/** Undefined for what is no signed JWT. Nothing of it is checked yet. */
function decode(assertion: string): Parts | undefined {
  try {
    return { header: decodeProtectedHeader(assertion), claims: decodeJwt(assertion) }
  } catch {
    return undefined
  }
}

/** The signature, and the times that the library checks. */
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

/** What the library does not ask for. A client whose clock is ahead is told that first, so that it can correct it. */
function claimsFault({ exp, iat, jti }: JWTPayload, nowSeconds: number): TokenErrorCode | undefined {
  if (typeof exp !== 'number' || typeof iat !== 'number') return 'claims'
  if (typeof jti !== 'string' || jti === '' || jti.length > MAX_JTI_CHARS) return 'claims'
  if (iat > nowSeconds + TOLERANCE_SECONDS) return 'early'
  return exp > nowSeconds + MAX_LIFETIME_SECONDS ? 'lifetime' : undefined
}

/** One audience: an assertion for several servers could be used by one of them at another. */
function isFor(audience: JWTPayload['aud'], audiences: readonly string[]): boolean {
  const [only, ...more] = [audience].flat()
  return more.length === 0 && audiences.includes(withoutSlash(only) ?? '')
}

/** A URL in its normal form (RFC 3986, 6.2.2 and 6.2.3), without trailing slashes; undefined for what is no text. */
function withoutSlash(text: unknown): string | undefined {
  if (typeof text !== 'string') return undefined
  return (URL.canParse(text) ? new URL(text).href : text).replace(/\/+$/, '')
}
