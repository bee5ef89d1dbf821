import { createLocalJWKSet, errors } from 'jose'
import type { JSONWebKeySet, JWTVerifyGetKey } from 'jose'
import type { OAuthIssuer } from '../../model/oauth/issuers.ts'

/** The issuer's keys cannot be fetched. */
export class IssuerUnavailable extends Error {
  override readonly name = 'IssuerUnavailable'
}

export interface IssuerKeysOptions {
  readonly monotonic: () => number
  readonly log: { error(facts: object, message: string): void }
}

const FRESH_MS = 10 * 60_000
/** How long keys are used while new ones cannot be fetched, so that an unavailable issuer does no harm for a while. */
const MOST_STALE_MS = 24 * 3_600_000
/** An unknown kid may be new. Keys are fetched for it at most once in this time. */
const COOLDOWN_MS = 30_000
/** The pause after a failed request. */
const RETRY_MS = 5_000
const FETCH_MS = 5_000
const MAX_DOCUMENT_CHARS = 512 * 1024

/** The public keys of an issuer, which are fetched when they are needed. */
export class IssuerKeys {
  readonly #issuer: OAuthIssuer
  readonly #options: IssuerKeysOptions
  #find: ReturnType<typeof createLocalJWKSet> | undefined
  #fetchedAt = -Infinity
  #triedAt = -Infinity
  #fetching: Promise<void> | undefined

  constructor(issuer: OAuthIssuer, options: IssuerKeysOptions) {
    this.#issuer = issuer
    this.#options = options
  }

  /** The key of a token, for jose. Rejects with IssuerUnavailable or JWKSNoMatchingKey. */
  readonly get: JWTVerifyGetKey = async (header, token) => {
    if (this.#ageMs() > FRESH_MS) await this.#fetch(RETRY_MS)
    try {
      return await this.#usable()(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      await this.#fetch(COOLDOWN_MS)
      return this.#usable()(header, token)
    }
  }

  #ageMs(): number {
    return this.#options.monotonic() - this.#fetchedAt
  }

  #usable(): ReturnType<typeof createLocalJWKSet> {
    if (this.#find === undefined || this.#ageMs() > MOST_STALE_MS) throw new IssuerUnavailable()
    return this.#find
  }

  /** Fetches the keys at most once in `pauseMs`, and once for all waiting callers. Never rejects. */
  async #fetch(pauseMs: number): Promise<void> {
    if (this.#fetching === undefined && this.#options.monotonic() - this.#triedAt < pauseMs) return
    this.#fetching ??= this.#load().finally(() => (this.#fetching = undefined))
    await this.#fetching
  }

  async #load(): Promise<void> {
    const { issuer, jwksUri } = this.#issuer
    this.#triedAt = this.#options.monotonic()
    try {
      this.#find = createLocalJWKSet((await fetchJson(jwksUri ?? (await discover(issuer)))) as JSONWebKeySet)
      this.#fetchedAt = this.#options.monotonic()
    } catch (error) {
      this.#options.log.error({ issuer, problem: wordsOf(error) }, 'the keys of an issuer cannot be loaded')
    }
  }
}

/** The issuer's jwks_uri (OpenID Connect Discovery 1.0, 4). Rejects if the document names another issuer. */
async function discover(issuer: string): Promise<string> {
  const document = await fetchJson(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)
  const { issuer: named, jwks_uri: uri } = document as { issuer?: unknown; jwks_uri?: unknown }
  if (named !== issuer) throw new Error('its discovery document is of another issuer')
  if (typeof uri !== 'string') throw new Error('its discovery document has no jwks_uri')
  return uri
}

async function fetchJson(url: string): Promise<unknown> {
  const response = await fetch(url, {
    signal: AbortSignal.timeout(FETCH_MS),
    redirect: 'error',
    headers: { accept: 'application/json' }
  })
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true })
    if (text.length > MAX_DOCUMENT_CHARS) throw new Error(`${url} answered more than ${MAX_DOCUMENT_CHARS} characters`)
  }
  return JSON.parse(text) as unknown
}

function wordsOf(error: unknown): string {
  const { message, cause } = error as Error
  return cause instanceof Error ? `${message}: ${cause.message}` : message
}
