import { decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import type { JWTPayload, ProtectedHeaderParameters } from 'jose'
import type { ErrorCode } from '../model/errors.ts'
import { DEFAULT_SCOPE } from '../model/oauth/oauth.ts'
import { TOKEN_TYPE } from './issue.ts'
import type { SigningKeys } from './signing-keys.ts'
import { tokenFault } from './token-fault.ts'
import type { VerifiedToken } from './verified-token.ts'

export interface VerifyOptions {
  readonly keys: SigningKeys
  /** The issuer of our tokens. */
  readonly issuer: string
  /** Whether this server's configuration is behind, so that an unknown app may exist. */
  readonly isBehind: () => boolean
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** The accepted difference between the clocks of a fleet's servers, in seconds. */
const TOLERANCE_SECONDS = 60

/** Verifies a token of this server, or of another one with the same signing keys. Resolves with the code of a fault. */
export async function verifyOwnToken(token: string, options: VerifyOptions): Promise<VerifiedToken | ErrorCode> {
  const header = decodeHeader(token)
  if (typeof header?.kid !== 'string' || header.alg === undefined) return 'token_invalid'
  const { kid } = header
  const key = await options.keys.find(kid)
  if (key === undefined) return 'token_unknown_key'
  if (header.alg !== key.algorithm) return 'token_invalid'
  const now = options.now()
  try {
    const { payload } = await jwtVerify(token, key.publicKey, {
      algorithms: [key.algorithm],
      typ: TOKEN_TYPE,
      requiredClaims: ['exp', 'sub'],
      currentDate: new Date(now)
    })
    const { iss, aud, iat = 0 } = payload
    // PUBLIC_URL has changed, and the client must get a new token.
    if (iss !== options.issuer || aud !== options.issuer) return 'token_unknown_key'
    return iat > now / 1000 + TOLERANCE_SECONDS ? 'token_expired' : ownToken(payload, kid, options)
  } catch (error) {
    return tokenFault(error)
  }
}

/** Decodes the header without checking it; undefined if it is not a signed JWT. */
function decodeHeader(token: string): ProtectedHeaderParameters | undefined {
  try {
    decodeJwt(token)
    return decodeProtectedHeader(token)
  } catch {
    return undefined
  }
}

function ownToken(payload: JWTPayload, kid: string, { keys, isBehind }: VerifyOptions): VerifiedToken {
  const scopes = String(payload['scope']).split(' ')
  return {
    expiresAt: (payload.exp ?? 0) * 1000,
    isKeyKnown: () => keys.isKnown(kid),
    refusal({ apps = [] }, sourceId) {
      const app = apps.find(({ id }) => id === payload.sub)
      if (app === undefined) return isBehind() ? 'configuration_behind' : 'token_revoked'
      if (!app.publicKeys.some(({ kid }) => kid === payload['app_key'])) return 'token_unknown_key'
      if (!scopes.includes(DEFAULT_SCOPE) || !app.scope.split(' ').includes(DEFAULT_SCOPE)) return 'token_scope'
      return app.sources === undefined || app.sources.includes(sourceId) ? undefined : 'token_source'
    }
  }
}
