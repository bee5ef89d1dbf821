/** Tokens on the tracking API: which requests of a source need one, and the answer to each other request. */
import { createSecretKey } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeProtectedHeader, SignJWT } from 'jose'
import type { JWTPayload } from 'jose'
import t from 'tap'
import type { ErrorCode } from '../../src/model/errors.ts'
import { ERRORS } from '../../src/model/errors.ts'
import { SigningKeys } from '../../src/oauth/signing-keys.ts'
import { verifyOwnToken } from '../../src/oauth/verify.ts'
import { basic, post, startApp } from '../support/app.ts'
import type { TestApp } from '../support/app.ts'
import { assertAnswerMatchesContract } from '../support/contract-answers.ts'
import { readMetrics, sumOf } from '../support/metrics.ts'
import type { MovableClock, TestKey } from '../support/oauth.ts'
import {
  appEntries,
  askToken,
  assertionFor,
  leastCpuMs,
  makeKey,
  movableClock,
  rawJwt,
  tokenForm
} from '../support/oauth.ts'
import { ownFolder } from '../support/own-folder.ts'
import { until } from '../support/until.ts'

const START = Date.parse('2026-11-28T12:00:00Z')
const BASE = 'https://events.example.com'
const APP_KEY = makeKey('billing-1', 'ES256')
const APP_KEY_NEW = makeKey('billing-2', 'ES256')
const SIGNING = makeKey('signing', 'ES256')
const OTHER_SIGNING = makeKey('other', 'ES256')
const KEYS = ownFolder(t)
const SIGNING_FILE = join(KEYS, 'signing.pem')
writeFileSync(SIGNING_FILE, SIGNING.privatePem)

const SOURCES = [
  { id: 'open', writeKeys: ['wk_open'] },
  { id: 'maybe', writeKeys: ['wk_maybe'], oauth: 'optional' },
  { id: 'strict', writeKeys: ['wk_strict'], oauth: 'required' },
  { id: 'foreign', writeKeys: ['wk_foreign'], oauth: 'required' }
]
const BILLING = { id: 'billing', keys: [APP_KEY], sources: ['open', 'maybe', 'strict'], ttl: '1h' }
const LIMITED = { id: 'limited', keys: [APP_KEY_NEW], scope: 'other' }
const configOf = (...apps: Parameters<typeof appEntries>[0]): string =>
  JSON.stringify({ sources: SOURCES, apps: appEntries(apps) })

interface Started extends TestApp {
  readonly clock: MovableClock
  /** A token of an app, as its SDK gets it. */
  token(app?: string, key?: TestKey, scope?: string): Promise<string>
  /** The code of the answer to one event, or its status if it was accepted. */
  send(writeKey: string, authorization: string | undefined): Promise<string | number>
}

async function start(t: Parameters<typeof startApp>[0], config = configOf(BILLING, LIMITED)): Promise<Started> {
  const clock = movableClock(START)
  const env = { PUBLIC_URL: BASE, OAUTH_SIGNING_KEY_FILE: SIGNING_FILE }
  const started = await startApp(t, { config, env, clock })
  let count = 0
  return {
    ...started,
    clock,
    async token(app = 'billing', key = APP_KEY, scope = 'tracking_api:write') {
      const assertion = await assertionFor({ app, key, audience: BASE, nowSeconds: clock.now() / 1000 })
      const { status, body } = await askToken(started.url, tokenForm(assertion, scope))
      if (status !== 200) throw new Error(`the answer has no token: ${JSON.stringify(body)}`)
      return String(body['access_token'])
    },
    async send(writeKey, authorization) {
      const batch = [{ type: 'track', event: 'E', userId: 'u', messageId: `m-${count++}` }]
      const headers: Record<string, string> = authorization === undefined ? {} : { authorization }
      const sent = await post(`${started.url}/v1/batch`, { batch, writeKey }, headers)
      const { status, body, headers: answered } = sent
      const answer = { method: 'POST', path: '/v1/batch', status, body: JSON.stringify(body) }
      assertAnswerMatchesContract(t, { ...answer, headers: Object.fromEntries(answered) })
      return status === 200 ? 200 : String(body['code'])
    }
  }
}

t.test('a source that requires tokens accepts events with a valid token, and none without', async t => {
  const { send, token, sink, url } = await start(t)
  const bearer = `Bearer ${await token()}`
  t.equal(await send('wk_strict', bearer), 200)
  t.equal(await send('wk_strict', bearer.replace('Bearer', 'bEARER')), 200)
  t.equal(sink.records.length, 2)
  t.equal(await send('wk_strict', undefined), 'token_missing')
  t.equal(
    await send('wk_strict', 'Bearer wk_strict'),
    'token_missing',
    'a write key as a Bearer token is not accepted as a token'
  )
  t.equal(await send('wk_strict', basic('wk_strict')), 'token_missing')
  t.equal(await send('wk_strict', basic('wk_other')), 'token_missing')
  const answer = await post(`${url}/v1/track`, { event: 'E', userId: 'u', writeKey: 'wk_strict' }, {})
  t.match(answer.headers.get('www-authenticate'), /^Bearer /)
  const single = await post(
    `${url}/v1/track`,
    { event: 'E', userId: 'u', writeKey: 'wk_strict' },
    { authorization: bearer }
  )
  t.equal(single.status, 200)
  const inHeader = await post(`${url}/v1/track`, { event: 'E', userId: 'u' }, { 'x-write-key': 'wk_strict' })
  t.equal(inHeader.status, 401)
  const inQuery = await post(`${url}/v1/track?writeKey=wk_strict`, { event: 'E', userId: 'u' }, {})
  t.equal(inQuery.status, 401)
  t.equal(sink.records.length, 3)
})

t.test('a pixel of a source that requires tokens is an image, and not an event', async t => {
  const { url, sink, adminUrl } = await start(t)
  const refused = async (): Promise<number> =>
    sumOf(await readMetrics(adminUrl), 'tributary_requests_refused_total', { code: 'token_missing' })
  const show = async (): Promise<boolean> => {
    t.equal((await fetch(`${url}/v1/pixel/track?writeKey=wk_strict&event=E&userId=u`)).status, 200)
    return (await refused()) > 0
  }
  // A busy machine can make the server shed load.
  await until(show, { what: 'a pixel that is refused because of its token', timeoutMs: 30_000 })
  t.equal(sink.records.length, 0)
})

t.test('documents that are requested with a key need no token', async t => {
  const { url } = await start(t)
  t.equal((await fetch(`${url}/v1/projects/wk_strict/settings`)).status, 200)
  t.equal((await fetch(`${url}/sourceConfig?writeKey=wk_strict`)).status, 200)
})

t.test('if tokens are optional, a token that is sent must be valid; if they are off, it is ignored', async t => {
  const { send, token, clock } = await start(t)
  const good = `Bearer ${await token()}`
  for (const key of ['wk_maybe', 'wk_open']) {
    t.equal(await send(key, undefined), 200)
    t.equal(await send(key, basic(key)), 200)
    t.equal(await send(key, `Bearer ${key}`), 200)
    t.equal(await send(key, good), 200)
  }
  clock.jump(2 * 3_600_000)
  t.equal(await send('wk_maybe', good), 'token_expired')
  t.equal(await send('wk_maybe', 'Bearer nonsense'), 'token_invalid')
  t.equal(await send('wk_open', good), 200)
  t.equal(await send('wk_open', 'Bearer nonsense'), 200)
})

/** A token that the server could have made, with some claims changed. */
async function forged(
  header: Readonly<Record<string, unknown>>,
  claims: Readonly<Record<string, unknown>>,
  key: Parameters<SignJWT['sign']>[0] = SIGNING.privateKey
): Promise<string> {
  const seconds = START / 1000
  const usual = { iss: BASE, aud: BASE, sub: 'billing', client_id: 'billing', scope: 'tracking_api:write' }
  const times = { iat: seconds, exp: seconds + 3600, jti: 'j', app_key: APP_KEY.kid }
  const payload = { ...usual, ...times, ...claims } as JWTPayload
  return new SignJWT(payload).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: ownKid, ...header }).sign(key)
}

/** The id of the server's signing key, from its first token. */
let ownKid = ''
const seconds = START / 1000

const REFUSED: Readonly<Record<string, readonly [ErrorCode, () => Promise<string> | string]>> = {
  'no token at all': ['token_invalid', () => 'nonsense'],
  'two parts': ['token_invalid', async () => (await forged({}, {})).replace(/\.[^.]*$/, '')],
  'four parts': ['token_invalid', async () => `${await forged({}, {})}.AAAA`],
  'three parts that are not JSON': ['token_invalid', () => 'AAAA.AAAA.AAAA'],
  'three empty parts': ['token_invalid', () => '..'],
  'a header that is a list': ['token_invalid', () => rawJwt([], {}, 'AAAA')],
  'claims that are null': ['token_invalid', () => rawJwt({ alg: 'ES256', kid: ownKid }, 'null', 'AAAA')],
  'alg none without a signature': [
    'token_invalid',
    () => rawJwt({ alg: 'none', typ: 'at+jwt', kid: ownKid }, { sub: 'billing', exp: seconds + 99 })
  ],
  'alg none in capitals': [
    'token_invalid',
    () => rawJwt({ alg: 'NONE', typ: 'at+jwt', kid: ownKid }, { sub: 'billing' }, 'AAAA')
  ],
  'no alg': ['token_invalid', () => rawJwt({ typ: 'at+jwt', kid: ownKid }, { sub: 'billing' }, 'AAAA')],
  'HS256 with the public key as the secret': [
    'token_invalid',
    () => forged({ alg: 'HS256' }, {}, createSecretKey(Buffer.from(SIGNING.publicPem)))
  ],
  'ES384 of a key for ES256': [
    'token_invalid',
    () => rawJwt({ alg: 'ES384', typ: 'at+jwt', kid: ownKid }, { sub: 'billing' }, 'AAAA')
  ],
  "a signature of another key with the server's kid": ['token_invalid', () => forged({}, {}, OTHER_SIGNING.privateKey)],
  "a signature of an app's key with the server's kid": ['token_invalid', () => forged({}, {}, APP_KEY.privateKey)],
  'a signature that was cut': ['token_invalid', async () => (await forged({}, {})).slice(0, -6)],
  'an empty signature': ['token_invalid', async () => (await forged({}, {})).replace(/[^.]*$/, '')],
  'claims that were changed after the signature': [
    'token_invalid',
    async () => {
      const [header = '', , signature = ''] = (await forged({}, {})).split('.')
      const claims = Buffer.from(JSON.stringify({ sub: 'limited', exp: seconds + 9e6 })).toString('base64url')
      return [header, claims, signature].join('.')
    }
  ],
  'no kid': ['token_invalid', () => forged({ kid: undefined }, {})],
  'a kid that is not a string': ['token_invalid', () => forged({ kid: 5 }, {})],
  'an unknown kid': ['token_unknown_key', () => forged({ kid: 'nobody' }, {}, OTHER_SIGNING.privateKey)],
  'the kid of an app': ['token_unknown_key', () => forged({ kid: APP_KEY.kid }, {}, APP_KEY.privateKey)],
  'a kid that names a property of every object': ['token_unknown_key', () => forged({ kid: '__proto__' }, {})],
  'a kid that is a path': ['token_unknown_key', () => forged({ kid: '../../etc/passwd' }, {})],
  'a key in the header': [
    'token_unknown_key',
    () => forged({ kid: 'own', jwk: { kty: 'EC' } }, {}, OTHER_SIGNING.privateKey)
  ],
  'the typ of an assertion': ['token_invalid', () => forged({ typ: 'JWT' }, {})],
  'no typ': ['token_invalid', () => forged({ typ: undefined }, {})],
  'an unknown critical header': [
    'token_invalid',
    () => rawJwt({ alg: 'ES256', typ: 'at+jwt', kid: ownKid, crit: ['x'], x: 1 }, { sub: 'billing' }, 'AAAA')
  ],
  'no exp': ['token_invalid', () => forged({}, { exp: undefined })],
  'exp as a string': ['token_invalid', () => forged({}, { exp: String(seconds + 99) })],
  'exp just now': ['token_expired', () => forged({}, { exp: seconds })],
  'exp a year ago': ['token_expired', () => forged({}, { exp: seconds - 31e6 })],
  'nbf in the future': ['token_expired', () => forged({}, { nbf: seconds + 10 })],
  'nbf as a string': ['token_invalid', () => forged({}, { nbf: 'now' })],
  'iat over a minute ahead': ['token_expired', () => forged({}, { iat: seconds + 61 })],
  'iat as a string': ['token_invalid', () => forged({}, { iat: 'now' })],
  'another iss': ['token_unknown_key', () => forged({}, { iss: 'https://evil.example' })],
  'another aud': ['token_unknown_key', () => forged({}, { aud: 'https://evil.example' })],
  'two audiences': ['token_unknown_key', () => forged({}, { aud: [BASE, 'https://evil.example'] })],
  'no sub': ['token_invalid', () => forged({}, { sub: undefined })],
  'an unknown app': ['token_revoked', () => forged({}, { sub: 'nobody' })],
  'a key that the app no longer has': ['token_unknown_key', () => forged({}, { app_key: 'billing-0' })],
  'no key of the app': ['token_unknown_key', () => forged({}, { app_key: undefined })],
  'no scope': ['token_scope', () => forged({}, { scope: undefined })],
  'another scope': ['token_scope', () => forged({}, { scope: 'tracking_api:read' })],
  'a scope that begins with the required scope': ['token_scope', () => forged({}, { scope: 'tracking_api:writer' })],
  'a scope as a list': ['token_scope', () => forged({}, { scope: ['other', 'tracking_api:write'] })],
  'a scope that the app no longer has': ['token_scope', () => forged({}, { sub: 'limited', app_key: APP_KEY_NEW.kid })],
  'a token of 9 KB': ['token_invalid', () => forged({}, { extra: 'x'.repeat(9_000) })]
}

t.test('each token that is forged or broken is refused with its code, and no event is stored', async t => {
  const { send, token, sink } = await start(t)
  ownKid = String(decodeProtectedHeader(await token()).kid)
  t.equal(await send('wk_strict', `Bearer ${await forged({}, {})}`), 200, 'an unchanged token is accepted')
  for (const [what, [code, make]] of Object.entries(REFUSED)) {
    t.equal(await send('wk_strict', `Bearer ${await make()}`), code, what)
  }
  t.equal(await send('wk_foreign', `Bearer ${await token()}`), 'token_source')
  t.equal(sink.records.length, 1)
  const kept = [ERRORS.token_expired, ERRORS.token_unknown_key].map(({ status }) => status)
  t.same(kept, [511, 511], 'Segment’s SDKs ask for a new token at 511, and keep the events')
})

t.test('no token that is forged or broken costs 20 ms of CPU time', async t => {
  const log = { error: (): void => undefined }
  const { monotonic } = movableClock()
  const keys = new SigningKeys({ file: SIGNING_FILE, isGiven: true, monotonic, log })
  const options = { keys, issuer: BASE, isBehind: () => false, now: () => START }
  ownKid = (await keys.current()).kid
  for (const [what, [, make]] of Object.entries(REFUSED)) {
    const made = await make()
    const spent = await leastCpuMs(async () => void (await verifyOwnToken(made, options)))
    t.ok(spent < 20, `${what} took ${spent} ms`)
  }
})

t.test('a token is valid until it expires, and its signature is checked once', async t => {
  const { send, token, clock, adminUrl, sink } = await start(t)
  const bearer = `Bearer ${await token()}`
  await Promise.all(Array.from({ length: 20 }, () => send('wk_strict', bearer)))
  clock.jump(3_599_000)
  t.equal(await send('wk_strict', bearer), 200)
  t.equal(sumOf(await readMetrics(adminUrl), 'tributary_oauth_verifications_total'), 1)
  clock.jump(1_000)
  t.equal(await send('wk_strict', bearer), 'token_expired')
  t.equal(await send('wk_strict', bearer), 'token_expired')
  t.equal(await send('wk_strict', `Bearer ${await token()}`), 200)
  t.equal(sink.records.length, 22)
})

t.test('an app that is removed, and a key or a source that it loses, take effect with the edit', async t => {
  const two = { ...BILLING, keys: [APP_KEY, APP_KEY_NEW] }
  const { send, token, app, dir } = await start(t, configOf(two, { id: 'doomed', keys: [APP_KEY] }))
  const [old, recent, doomed] = [
    `Bearer ${await token()}`,
    `Bearer ${await token('billing', APP_KEY_NEW)}`,
    `Bearer ${await token('doomed')}`
  ]
  for (const bearer of [old, recent, doomed]) t.equal(await send('wk_strict', bearer), 200)
  const edit = async (config: string, isThere: () => Promise<boolean>): Promise<void> => {
    writeFileSync(join(dir, 'tributary.yml'), config)
    app.reload()
    await until(isThere, { what: 'the edit to be in force', timeoutMs: 30_000 })
  }
  const codeOf = (bearer: string): Promise<string | number> => send('wk_strict', bearer)
  await edit(configOf({ ...BILLING, keys: [APP_KEY_NEW] }), async () => (await codeOf(doomed)) === 'token_revoked')
  t.equal(
    await codeOf(old),
    'token_unknown_key',
    'a token from before the new key is refused, so that the app gets a new token'
  )
  t.equal(await codeOf(recent), 200)
  await edit(configOf({ ...two, sources: ['open'] }), async () => (await codeOf(recent)) === 'token_source')
  t.equal(await codeOf(old), 'token_source')
})

t.test('an event that the debugger itself sends needs no token', async t => {
  const { adminUrl, sink } = await start(t)
  const { status } = await post(`${adminUrl}/api/sources/strict/test`, { type: 'track' }, { origin: adminUrl })
  t.equal(status, 200)
  t.equal(sink.records.length, 1)
})
