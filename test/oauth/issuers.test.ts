/**
 * Tokens of other issuers, in the form of Keycloak, Auth0, Okta and Entra, and the behaviour while their keys are not
 * available.
 */
import { createSecretKey } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SignJWT } from 'jose'
import t from 'tap'
import type { Test } from 'tap'
import { post, startApp } from '../support/app.ts'
import type { TestKey } from '../support/oauth.ts'
import { makeKey, movableClock } from '../support/oauth.ts'

const START = Date.parse('2026-11-28T12:00:00Z')
const MINUTE_MS = 60_000
const FIRST = makeKey('first')
const SECOND = makeKey('second', 'ES256')
const STRANGER = makeKey('first')

/** An issuer on a free port, whose keys a test can change and remove. */
async function startIssuer(t: Test) {
  const state = { keys: [FIRST], isAway: false, asked: 0, named: undefined as string | undefined }
  const server = createServer((request, response) => {
    state.asked++
    const isKeys = request.url === '/keys'
    const found = isKeys
      ? { keys: state.keys.map(({ kid, publicKey }) => ({ ...publicKey.export({ format: 'jwk' }), kid, use: 'sig' })) }
      : { issuer: state.named ?? url(), jwks_uri: `${url()}/keys` }
    response.statusCode = state.isAway ? 500 : 200
    response.end(JSON.stringify(found))
  })
  const url = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return { state, url: url() }
}

interface Options {
  readonly jwksUri?: string
  readonly scope?: string
}

async function start(t: Test, issuer: string, options: Options = { scope: 'tracking_api:write' }) {
  const clock = movableClock(START)
  const config = JSON.stringify({
    sources: [
      { id: 'backend', writeKeys: ['wk_backend'], oauth: 'required' },
      { id: 'other', writeKeys: ['wk_other'], oauth: 'required' }
    ],
    issuers: [
      {
        issuer,
        audience: ['tributary', 'api://tributary'],
        rules: [
          { claims: { azp: 'billing' }, sources: ['backend'] },
          { claims: { cid: 'billing' }, sources: ['backend'] },
          { claims: { azp: 'admin', groups: 'senders' }, sources: ['backend', 'other'] }
        ],
        ...options
      }
    ]
  })
  const { url, sink } = await startApp(t, { config, clock })
  return {
    clock,
    sink,
    async send(token: string, writeKey = 'wk_backend'): Promise<string | number> {
      const event = { event: 'E', userId: 'u', writeKey }
      const { status, body } = await post(`${url}/v1/track`, event, { authorization: `Bearer ${token}` })
      return status === 200 ? 200 : String(body['code'])
    }
  }
}

const GOOD = { aud: 'tributary', azp: 'billing', scope: 'profile tracking_api:write' }

async function tokenOf(
  iss: string,
  claims: Readonly<Record<string, unknown>> = GOOD,
  { key = FIRST, header = {} }: { key?: TestKey; header?: object } = {}
): Promise<string> {
  const seconds = START / 1000
  return new SignJWT({ iss, sub: 's', iat: seconds, exp: seconds + 3600, ...claims })
    .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'JWT', ...header })
    .sign(key.privateKey)
}

t.test('tokens of four kinds of issuers are accepted for the sources of the rules, and for no others', async t => {
  const issuer = await startIssuer(t)
  const { send, sink } = await start(t, issuer.url)
  const TOKENS = {
    Keycloak: { aud: ['account', 'tributary'], azp: 'billing', scope: 'profile tracking_api:write' },
    Auth0: { aud: 'tributary', azp: 'billing', gty: 'client-credentials', scope: 'tracking_api:write' },
    Okta: { aud: 'api://tributary', cid: 'billing', scp: ['tracking_api:write'] },
    Entra: { aud: 'api://tributary', azp: 'billing', roles: ['tracking_api:write'] },
    'Entra for a user': { aud: 'api://tributary', azp: 'billing', scp: 'profile tracking_api:write' }
  }
  for (const [name, claims] of Object.entries(TOKENS)) {
    const token = await tokenOf(issuer.url, claims)
    t.equal(await send(token), 200, name)
    t.equal(await send(token, 'wk_other'), 'token_source', name)
  }
  const listed = { ...GOOD, azp: 'admin', groups: ['readers', 'senders'] }
  t.equal(
    await send(await tokenOf(issuer.url, listed), 'wk_other'),
    200,
    'a claim that is a list matches by one of its items'
  )
  t.equal(sink.records.length, Object.keys(TOKENS).length + 1)
  t.equal(issuer.state.asked, 2, 'the discovery document and the keys were requested once each')
})

t.test('each token of an issuer that is forged, or for another purpose, is refused with its code', async t => {
  const issuer = await startIssuer(t)
  const { send, sink } = await start(t, issuer.url)
  const secret = { ...FIRST, privateKey: createSecretKey(Buffer.from(FIRST.publicPem)) }
  const CASES: Readonly<Record<string, readonly [string, Promise<string>]>> = {
    'another audience': ['token_invalid', tokenOf(issuer.url, { ...GOOD, aud: 'account' })],
    'no audience, as of Keycloak without a mapper': ['token_invalid', tokenOf(issuer.url, { ...GOOD, aud: undefined })],
    'another scope': ['token_scope', tokenOf(issuer.url, { ...GOOD, scope: 'profile' })],
    'no scope': ['token_scope', tokenOf(issuer.url, { ...GOOD, scope: undefined })],
    'claims that match no rule': ['token_source', tokenOf(issuer.url, { ...GOOD, azp: 'nobody' })],
    'a claim that every object has': ['token_source', tokenOf(issuer.url, { ...GOOD, azp: undefined })],
    'no exp': ['token_invalid', tokenOf(issuer.url, { ...GOOD, exp: undefined })],
    'expired over a minute ago': ['token_expired', tokenOf(issuer.url, { ...GOOD, exp: START / 1000 - 61 })],
    'valid in over a minute': ['token_expired', tokenOf(issuer.url, { ...GOOD, nbf: START / 1000 + 61 })],
    'another key with a known kid': ['token_invalid', tokenOf(issuer.url, GOOD, { key: STRANGER })],
    'an unknown kid': ['token_unknown_key', tokenOf(issuer.url, GOOD, { key: SECOND })],
    'HS256 with its public key': [
      'token_invalid',
      tokenOf(issuer.url, GOOD, { key: secret, header: { alg: 'HS256' } })
    ],
    'an issuer whose address begins with that of a known issuer': ['token_unknown_key', tokenOf(`${issuer.url}/`, GOOD)]
  }
  for (const [what, [code, made]] of Object.entries(CASES)) t.equal(await send(await made), code, what)
  t.same(sink.records, [])
})

t.test('while the keys of an issuer are missing, clients are told to try again; known keys stay valid', async t => {
  const issuer = await startIssuer(t)
  const { send, clock } = await start(t, issuer.url)
  issuer.state.isAway = true
  const token = await tokenOf(issuer.url)
  t.equal(await send(token), 'issuer_unavailable')
  issuer.state.isAway = false
  t.equal(await send(token), 'issuer_unavailable', 'the issuer is not asked at each request')
  clock.jump(5_001)
  t.equal(await send(token), 200)

  issuer.state.isAway = true
  clock.jump(11 * MINUTE_MS)
  t.equal(
    await send(await tokenOf(issuer.url, { ...GOOD, jti: 'another' })),
    200,
    'a token is accepted with the known keys'
  )
  issuer.state.isAway = false
  issuer.state.keys = [FIRST, SECOND]
  clock.jump(31_000)
  t.equal(
    await send(await tokenOf(issuer.url, GOOD, { key: SECOND })),
    200,
    'an unknown key causes a new request for the keys'
  )
})

t.test('a discovery document of another issuer is not trusted, and jwksUri needs none', async t => {
  const issuer = await startIssuer(t)
  issuer.state.named = 'https://evil.example'
  const deceived = await start(t, issuer.url)
  t.equal(await deceived.send(await tokenOf(issuer.url)), 'issuer_unavailable')
  await t.test('with jwksUri', async t => {
    const { send } = await start(t, issuer.url, { jwksUri: `${issuer.url}/keys` })
    t.equal(
      await send(await tokenOf(issuer.url, { ...GOOD, scope: undefined })),
      200,
      'a rule without a scope requires no scope'
    )
  })
})
