/** A token for OAUTHBEARER, and its lifetime in milliseconds from now. */
export interface IssuedToken {
  readonly token: string
  readonly lifetimeMs: number
}

/** Why there is no token, or why a broker refuses it. The message is for operators and contains no secret. */
export class TokenTrouble extends Error {
  override readonly name = 'TokenTrouble'
  readonly code = 'KAFKA_TOKEN'
}

/** The share of a token's lifetime after which it is renewed. Connections authenticate again at 80 % of theirs. */
const RENEW_AT = 0.7
/**
 * The share of a token's lifetime after which it is no longer used. The rest allows for clock differences and network
 * delay.
 */
const USED_UP_AT = 0.95
/** After a failure, no token is requested for this many milliseconds. */
const FAILURE_HOLDS_MS = 500

/**
 * Gives one token to all connections, and requests another before it expires. While the issuer is down, a token that is
 * still valid is used. Rejects with the issuer's error if there is no valid token.
 */
export function createTokenProvider(
  issue: () => Promise<IssuedToken>,
  monotonic: () => number = () => performance.now()
): () => Promise<string> {
  let current: { readonly token: string; readonly renewAt: number; readonly endsAt: number } | undefined
  let asking: Promise<string> | undefined
  let failure: { readonly error: unknown; readonly until: number } | undefined

  async function renew(): Promise<string> {
    const askedAt = monotonic()
    try {
      const { token, lifetimeMs } = await issue()
      current = { token, renewAt: askedAt + lifetimeMs * RENEW_AT, endsAt: askedAt + lifetimeMs * USED_UP_AT }
      failure = undefined
      return token
    } catch (error) {
      failure = { error, until: monotonic() + FAILURE_HOLDS_MS }
      throw error
    } finally {
      asking = undefined
    }
  }

  return async () => {
    const now = monotonic()
    if (current !== undefined && now < current.renewAt) return current.token
    const good = current !== undefined && now < current.endsAt ? current.token : undefined
    if (failure !== undefined && now < failure.until) {
      if (good !== undefined) return good
      throw failure.error
    }
    asking ??= renew()
    return good === undefined ? await asking : await asking.catch(() => good)
  }
}
