import { TokenTrouble, type IssuedToken } from './token-provider.ts'

/** The client credentials grant (RFC 6749, section 4.4). */
export interface OauthOptions {
  readonly tokenUrl: string
  readonly clientId: string
  readonly clientSecret: () => string
  readonly scope: string | undefined
  readonly audience: string | undefined
}

const TIMEOUT_MS = 10_000
/** For an issuer that does not state a token's lifetime (RFC 6749 only recommends it) and whose tokens are no JWTs. */
const DEFAULT_LIFETIME_MS = 5 * 60_000
const MAX_ANSWER_CHARS = 256 * 1024

/**
 * Requests a token from a token endpoint, as the client that the options name. Rejects with a TokenTrouble that states
 * the cause.
 */
export async function issueToken(options: OauthOptions): Promise<IssuedToken> {
  const { tokenUrl } = options
  const response = await ask(options).catch((error: unknown) => {
    throw new TokenTrouble(`the token endpoint ${tokenUrl} ${unreachable(error)}: check KAFKA_OAUTH_TOKEN_URL`)
  })
  const text = (await response.text().catch(() => '')).slice(0, MAX_ANSWER_CHARS)
  const answer = objectOf(text)
  if (!response.ok) throw new TokenTrouble(refusal(tokenUrl, response.status, answer))
  const { access_token: token, expires_in: seconds } = answer
  if (typeof token !== 'string' || token === '') {
    throw new TokenTrouble(
      `the token endpoint ${tokenUrl} answers without an access_token: check KAFKA_OAUTH_TOKEN_URL`
    )
  }
  return { token, lifetimeMs: lifetimeOf(token, Number(seconds)) }
}

function ask({ tokenUrl, clientId, clientSecret, scope, audience }: OauthOptions): Promise<Response> {
  const form = new URLSearchParams({ grant_type: 'client_credentials' })
  if (scope !== undefined) form.set('scope', scope)
  if (audience !== undefined) form.set('audience', audience)
  // Both parts are encoded as in a form before they are joined (RFC 6749, section 2.3.1).
  const pair = `${encoded(clientId)}:${encoded(clientSecret())}`
  return fetch(tokenUrl, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(pair).toString('base64')}`, accept: 'application/json' },
    body: form,
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS)
  })
}

const encoded = (text: string): string => new URLSearchParams({ x: text }).toString().slice('x='.length)

function unreachable(error: unknown): string {
  const { name, cause } = error as Error
  if (name === 'TimeoutError') return `does not answer within ${TIMEOUT_MS / 1000} s`
  const { code, message } = (cause ?? error) as NodeJS.ErrnoException
  if (code === 'ECONNREFUSED') return 'refuses connections'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'has a host name that does not resolve'
  if (/CERT|SELF_SIGNED|ISSUER/.test(code ?? '')) {
    return `has a certificate that is not trusted (${code}; NODE_EXTRA_CA_CERTS names further authorities)`
  }
  return `cannot be asked (${code ?? message})`
}

/** What the operator should check, by status and error code (RFC 6749, section 5.2). */
function refusal(tokenUrl: string, status: number, answer: Record<string, unknown>): string {
  const code = typeof answer['error'] === 'string' && /^\w{1,64}$/.test(answer['error']) ? answer['error'] : undefined
  const answers = `the token endpoint ${tokenUrl} answers ${status}${code === undefined ? '' : ` (${code})`}`
  if (code === 'invalid_scope') return `${answers}: check KAFKA_OAUTH_SCOPE`
  if (status === 401 || code === 'invalid_client' || code === 'unauthorized_client') {
    return `${answers}: check KAFKA_OAUTH_CLIENT_ID and KAFKA_OAUTH_CLIENT_SECRET`
  }
  if (status >= 500 || status === 429) return `${answers}: it is in trouble, or has too much to do`
  return `${answers}: check KAFKA_OAUTH_TOKEN_URL, KAFKA_OAUTH_SCOPE and KAFKA_OAUTH_AUDIENCE`
}

function objectOf(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

/** The lifetime in the answer; without it, the one in the token if that is a JWT. */
function lifetimeOf(token: string, seconds: number): number {
  if (seconds > 0) return seconds * 1000
  const payload = objectOf(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'))
  const left = Number(payload['exp']) * 1000 - Date.now()
  return left > 0 ? left : DEFAULT_LIFETIME_MS
}
