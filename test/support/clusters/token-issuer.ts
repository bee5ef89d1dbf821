import { generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

/** An issuer of OAuth tokens for tests: one client, tokens signed with RS256, and its keys as a JWK set. */
export interface TokenIssuer {
  readonly url: string
  readonly tokenUrl: string
  readonly jwksUrl: string
  /** Can be changed at any time. */
  secret: string
  /** The lifetime of tokens, in seconds. */
  lifetime: number
  /** If set, this status is the answer to each request. */
  status: number | undefined
  audience: string
  /** How many seconds its clock is ahead. */
  skew: number
  /** The forms of all requests for tokens. */
  readonly asked: URLSearchParams[]
}

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const KEY_ID = randomUUID()

/** Starts an issuer on a free port; it ends with the test. Its client is `tributary`, with the secret `swordfish`. */
export async function startTokenIssuer(t: Test): Promise<TokenIssuer> {
  const server = createServer((request, response) => void answer(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close().closeAllConnections())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const issuer: TokenIssuer = {
    url,
    tokenUrl: `${url}/token`,
    jwksUrl: `${url}/jwks`,
    secret: 'swordfish',
    lifetime: 3_600,
    status: undefined,
    audience: 'kafka',
    skew: 0,
    asked: []
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const [status, body] = request.url === '/jwks' ? [200, jwks()] : tokenAnswer(request, Buffer.concat(chunks))
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }

  function tokenAnswer(request: IncomingMessage, body: Buffer): [number, object] {
    const form = new URLSearchParams(body.toString())
    issuer.asked.push(form)
    if (issuer.status !== undefined) return [issuer.status, { error: 'temporarily_unavailable' }]
    const expected = `Basic ${Buffer.from(`tributary:${issuer.secret}`).toString('base64')}`
    if (request.headers.authorization !== expected) return [401, { error: 'invalid_client' }]
    if (form.get('grant_type') !== 'client_credentials') return [400, { error: 'unsupported_grant_type' }]
    if (form.get('scope') === 'unknown') return [400, { error: 'invalid_scope' }]
    return [200, { access_token: token(form), token_type: 'Bearer', expires_in: issuer.lifetime }]
  }

  function token(form: URLSearchParams): string {
    const now = Math.floor(Date.now() / 1000) + issuer.skew
    const aud = form.get('audience') ?? issuer.audience
    const claims = { iss: url, sub: 'tributary', aud, scope: form.get('scope') ?? 'write', iat: now }
    const parts = [
      { alg: 'RS256', kid: KEY_ID, typ: 'JWT' },
      { ...claims, exp: now + issuer.lifetime }
    ]
    const head = parts.map(part => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
    return `${head}.${sign('RSA-SHA256', Buffer.from(head), privateKey).toString('base64url')}`
  }

  return issuer
}

function jwks(): object {
  return { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: KEY_ID, use: 'sig', alg: 'RS256' }] }
}
