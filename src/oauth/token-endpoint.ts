import type { TokenErrorCode, TokenOutcome } from '../model/oauth/token-errors.ts'
import type { OAuthApp } from '../model/oauth/oauth.ts'
import type { SigningKeys } from './signing-keys.ts'
import { grantedScope, readTokenRequest } from './token-request.ts'
import type { UsedIds } from './used-ids.ts'

export interface TokenEndpointOptions {
  /** The apps of the tributary.yml in force. */
  readonly apps: () => readonly OAuthApp[]
  /** Whether this server's configuration is behind, so that an unknown app may exist. */
  readonly isBehind: () => boolean
  readonly keys: SigningKeys
  readonly usedIds: UsedIds
  /** The issuer of tokens. */
  readonly issuer: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly log: { error(facts: object, message: string): void }
}

/** The answer of RFC 6749, 5.1. */
export interface TokenAnswer {
  readonly access_token: string
  readonly token_type: 'Bearer'
  /** Seconds. */
  readonly expires_in: number
  readonly scope: string
}

/** Issues a token for a form body, or resolves with the code of the error. Never rejects. The first one loads the library of JWTs. */
export type TokenEndpoint = (body: Buffer, audiences: readonly string[]) => Promise<TokenAnswer | TokenErrorCode>

/** Loads what checks assertions and signs tokens. Only servers with apps need it. */
const loadJwt = () => Promise.all([import('./assertion.ts'), import('./issue.ts')])

export function createTokenEndpoint(options: TokenEndpointOptions): TokenEndpoint {
  async function answer(body: Buffer, audiences: readonly string[]): Promise<TokenAnswer | TokenErrorCode> {
    const request = readTokenRequest(body)
    if (typeof request === 'string') return request
    const [{ checkAssertion }, { issueToken }] = await loadJwt()
    const now = options.now()
    const checked = await checkAssertion(request.assertion, { apps: options.apps(), audiences, now })
    if (checked === 'app_unknown' || checked === 'key_unknown') return options.isBehind() ? 'behind' : checked
    if (typeof checked === 'string') return checked
    const { app, kid, jti } = checked
    const scope = grantedScope(request.scope, app.scope)
    if (scope === undefined) return 'scope'
    const use = await options.usedIds.use(app.id, jti)
    if (use !== 'first') return use
    const token = await issueToken(options.keys, { app, kid, scope, issuer: options.issuer, now })
    return { access_token: token, token_type: 'Bearer', expires_in: app.ttlSeconds, scope }
  }

  return async (body, audiences) => {
    try {
      return await answer(body, audiences)
    } catch (error) {
      // The message comes from the file system or from a key file, so it contains neither the form nor the assertion.
      options.log.error({ problem: (error as Error).message }, 'no token can be made')
      return 'unavailable'
    }
  }
}

export function outcomeOf(answer: TokenAnswer | TokenErrorCode): TokenOutcome {
  return typeof answer === 'string' ? answer : 'issued'
}
