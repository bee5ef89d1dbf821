import { hash } from 'node:crypto'
import type { ErrorCode } from '../model/errors.ts'
import type { TributaryFile } from '../model/tributary-file.ts'
import type { VerifiedToken } from './verified-token.ts'

export interface TokenCacheOptions {
  readonly verify: (token: string) => Promise<VerifiedToken | ErrorCode>
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** The most cached tokens, of about 500 bytes each. Only valid tokens are cached. */
const MAX_KNOWN_TOKENS = 10_000

/** A verified token, with cached results for sources while the file is unchanged. */
export class KnownToken {
  readonly #token: VerifiedToken
  readonly #verdicts = new Map<string, ErrorCode | undefined>()
  #file: TributaryFile | undefined

  constructor(token: VerifiedToken) {
    this.#token = token
  }

  /** Why the token is no longer valid; undefined if it is. */
  fault(now: number): ErrorCode | undefined {
    if (this.#token.expiresAt <= now) return 'token_expired'
    return this.#token.isKeyKnown() ? undefined : 'token_unknown_key'
  }

  /** As VerifiedToken.refusal(), cached for each source. */
  refusal(file: TributaryFile, sourceId: string): ErrorCode | undefined {
    if (this.#file !== file) {
      this.#file = file
      this.#verdicts.clear()
    }
    if (!this.#verdicts.has(sourceId)) this.#verdicts.set(sourceId, this.#token.refusal(file, sourceId))
    return this.#verdicts.get(sourceId)
  }
}

/** A cache of tokens by their SHA-256: each token is verified once and cached until it expires. */
export class TokenCache {
  readonly #options: TokenCacheOptions
  readonly #known = new Map<string, KnownToken>()
  readonly #underWay = new Map<string, Promise<KnownToken | ErrorCode>>()

  constructor(options: TokenCacheOptions) {
    this.#options = options
  }

  /** Returns a cached token at once. Concurrent requests with the same new token wait for one verification. */
  find(token: string): KnownToken | ErrorCode | Promise<KnownToken | ErrorCode> {
    const digest = hash('sha256', token, 'base64url')
    const found = this.#known.get(digest)
    if (found === undefined) return this.#underWay.get(digest) ?? this.#start(token, digest)
    const fault = found.fault(this.#options.now())
    if (fault === undefined) return found
    this.#known.delete(digest)
    return fault
  }

  #start(token: string, digest: string): Promise<KnownToken | ErrorCode> {
    const started = this.#verify(token, digest).finally(() => this.#underWay.delete(digest))
    this.#underWay.set(digest, started)
    return started
  }

  async #verify(token: string, digest: string): Promise<KnownToken | ErrorCode> {
    const verified = await this.#options.verify(token)
    if (typeof verified === 'string') return verified
    const made = new KnownToken(verified)
    const [oldest] = this.#known.size >= MAX_KNOWN_TOKENS ? this.#known.keys() : []
    if (oldest !== undefined) this.#known.delete(oldest)
    this.#known.set(digest, made)
    return made
  }
}
