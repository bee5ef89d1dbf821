/** POST /token: who gets a token, and every way not to. */
import { createSecretKey } from 'node:crypto'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import t from 'tap'
import { parseTributaryFile } from '../../src/config/file/tributary-file.ts'
import { checkAssertion } from '../../src/oauth/assertion.ts'
import { TOKEN_ERRORS } from '../../src/model/oauth/token-errors.ts'
import type { TokenErrorCode } from '../../src/model/oauth/token-errors.ts'
import { startApp } from '../support/app.ts'
import { assertAnswerMatchesContract } from '../support/contract-answers.ts'
import { ownFolder } from '../support/own-folder.ts'
import { readMetrics, sumOf } from '../support/metrics.ts'
import type { AssertionEdits, TestKey } from '../support/oauth.ts'
import {
  appEntries,
  askToken,
  ASSERTION_TYPE,
  assertionFor,
  leastCpuMs,
  makeKey,
  rawJwt,
  tokenForm
} from '../support/oauth.ts'

const NOW = Date.parse('2026-11-28T12:00:00.250Z')
const NOW_SECONDS = NOW / 1000
const BASE = 'https://events.example.com'
const clock = { now: () => NOW, monotonic: () => performance.now() }

const RSA = makeKey('rsa-1')
const RSA_NEW = makeKey('rsa-2')
const EC = makeKey('ec-1', 'ES256')
const ED = makeKey('ed-1', 'EdDSA')
const OTHERS = makeKey('other-1', 'ES256')

const SOURCES = [{ id: 'backend', writeKeys: ['wk_backend'] }]
const CONFIG = JSON.stringify({
  sources: SOURCES,
  apps: appEntries([
    { id: 'billing', keys: [RSA, RSA_NEW, EC, ED], ttl: '1h', scope: 'tracking_api:write other' },
    { id: 'others', keys: [OTHERS] }
  ])
})
const ENV = { PUBLIC_URL: BASE }
const KEYS = ownFolder(t)

/** A valid assertion of the app `billing`, with some claims changed. */
function assertion(edits: AssertionEdits = {}, key: TestKey = RSA): Promise<string> {
  return assertionFor({ app: 'billing', key, audience: BASE, nowSeconds: NOW_SECONDS }, edits)
}

t.test('an app gets a token with each kind of key, as in RFC 6749 and RFC 9068', async t => {
  const { url, dir } = await startApp(t, { config: CONFIG, env: ENV, clock })
  for (const key of [RSA, RSA_NEW, EC, ED]) {
    const { status, headers, body } = await askToken(url, tokenForm(await assertion({}, key)))
    t.equal(status, 200, key.kid)
    const { access_token: token, ...rest } = body
    t.same(rest, { token_type: 'Bearer', expires_in: 3600, scope: 'tracking_api:write' })
    t.equal(headers.get('cache-control'), 'no-store')
    t.equal(
      headers.get('date'),
      new Date(NOW).toUTCString(),
      'the answer has the Date by which SDKs correct their clock'
    )
    t.match(decodeJwt(String(token)), {
      iss: BASE,
      aud: BASE,
      sub: 'billing',
      client_id: 'billing',
      scope: 'tracking_api:write',
      iat: Math.floor(NOW_SECONDS),
      exp: Math.floor(NOW_SECONDS) + 3600
    })
    t.match(decodeProtectedHeader(String(token)), { typ: 'at+jwt', alg: 'ES256' })
    const keys = createRemoteJWKSet(new URL(`${url}/.well-known/jwks.json`))
    const checked = await jwtVerify(String(token), keys, { issuer: BASE, audience: BASE, currentDate: new Date(NOW) })
    t.equal(checked.payload.sub, 'billing', 'other programs can verify the token with the published key')
  }
  const response = await fetch(`${url}/.well-known/jwks.json`)
  const text = await response.text()
  t.notMatch(text, /"d"/, 'no private key is published')
  const answer = { method: 'GET', path: '/.well-known/jwks.json', status: response.status, body: text }
  assertAnswerMatchesContract(t, { ...answer, headers: Object.fromEntries(response.headers) })
  t.equal(statSync(join(dir, 'data', 'oauth', 'signing-keys.pem')).mode & 0o777, 0o600)
})

t.test(
  'an assertion may name the server by every address that clients use for it, and its times may be fractions',
  async t => {
    const { url } = await startApp(t, { config: CONFIG, env: ENV, clock })
    for (const aud of [
      `${BASE}/`,
      `${BASE}/token`,
      `${BASE}/v1`,
      `${BASE}/v1/`,
      'HTTPS://Events.Example.com:443/',
      [BASE]
    ]) {
      const { status } = await askToken(url, tokenForm(await assertion({ claims: { aud } })))
      t.equal(status, 200, String(aud))
    }
    const fractions = { iat: NOW_SECONDS - 5.467, exp: NOW_SECONDS + 54.533 }
    t.equal((await askToken(url, tokenForm(await assertion({ claims: fractions })))).status, 200)
    t.equal(
      (await askToken(url, tokenForm(await assertion({ claims: { iss: BASE } })))).status,
      200,
      "an iss as in Segment's documentation is accepted"
    )
    t.equal((await askToken(`${url}/`, tokenForm(await assertion()))).status, 200, 'an address with // is accepted')
    t.equal((await askToken(`${url}/v1`, tokenForm(await assertion()))).status, 200)
    const all = await askToken(url, tokenForm(await assertion(), ''))
    t.equal(all.body['scope'], 'tracking_api:write other', 'a request without a scope gets all scopes of the app')
  }
)

t.test('without PUBLIC_URL the audience is the address of the request', async t => {
  const { url } = await startApp(t, { config: CONFIG, clock })
  const own = { claims: { aud: url } }
  t.equal((await askToken(url, tokenForm(await assertion(own)))).status, 200)
  t.equal(
    (await askToken(url, tokenForm(await assertion({ claims: { aud: url.replace('http:', 'https:') } })))).status,
    200
  )
  t.equal((await askToken(url, tokenForm(await assertion()))).status, 401)
})

/** An HS256 secret that everybody knows: the text of the public key. */
const PUBLIC_AS_SECRET = createSecretKey(Buffer.from(RSA.publicPem))

const BROKEN: Readonly<Record<string, readonly [TokenErrorCode, () => Promise<string> | string]>> = {
  'the header says alg none, without a signature': [
    'algorithm',
    () => rawJwt({ alg: 'none', kid: RSA.kid }, { iss: 'billing', sub: 'billing', aud: BASE, exp: NOW_SECONDS + 50 })
  ],
  'the header says alg NONE, in capitals': [
    'algorithm',
    () => rawJwt({ alg: 'NONE', kid: RSA.kid }, { sub: 'billing' }, 'AAAA')
  ],
  'HS256 with the public key as the secret': [
    'algorithm',
    () => assertion({ header: { alg: 'HS256' }, signWith: PUBLIC_AS_SECRET })
  ],
  'HS512 with the public key as the secret': [
    'algorithm',
    () => assertion({ header: { alg: 'HS512' }, signWith: createSecretKey(Buffer.from(RSA.publicPem.repeat(2))) })
  ],
  'PS256 of an RSA key': ['algorithm', () => assertion({ header: { alg: 'PS256' } })],
  'RS512 of an RSA key': ['algorithm', () => assertion({ header: { alg: 'RS512' } })],
  'the alg of another kind of key': [
    'algorithm',
    () => rawJwt({ alg: 'ES256', kid: RSA.kid }, { sub: 'billing' }, 'AAAA')
  ],
  'an alg that is not a string': ['algorithm', () => rawJwt({ alg: 5, kid: RSA.kid }, { sub: 'billing' }, 'AAAA')],
  'no kid': ['key_unknown', () => assertion({ header: { kid: undefined } })],
  'a kid that is not a string': ['key_unknown', () => assertion({ header: { kid: 5 } })],
  'an unknown kid': ['key_unknown', () => assertion({ header: { kid: 'nobody' } })],
  'the kid of another app': ['key_unknown', () => assertion({}, OTHERS)],
  'a kid that names a property of every object': ['key_unknown', () => assertion({ header: { kid: '__proto__' } })],
  'a signature of another key of the same app': ['signature', () => assertion({ signWith: RSA_NEW.privateKey })],
  'a signature of another app, of the same kind': [
    'signature',
    () => assertion({ header: { kid: EC.kid } }, { ...OTHERS, kid: EC.kid })
  ],
  'a signature that was cut': ['signature', async () => (await assertion()).slice(0, -8)],
  'a signature that is empty': ['signature', async () => (await assertion()).replace(/[^.]*$/, '')],
  'claims that were changed after the signature': [
    'signature',
    async () => {
      const [header = '', claims = '', signature = ''] = (await assertion()).split('.')
      const changed = { ...(JSON.parse(Buffer.from(claims, 'base64url').toString()) as object), exp: NOW_SECONDS + 119 }
      return [header, Buffer.from(JSON.stringify(changed)).toString('base64url'), signature].join('.')
    }
  ],
  'an unknown app': ['app_unknown', () => assertion({ claims: { sub: 'nobody', iss: 'nobody' } })],
  'no sub': ['app_unknown', () => assertion({ claims: { sub: undefined } })],
  'a sub that is not a string': ['app_unknown', () => assertion({ claims: { sub: 5 } })],
  'a sub with a blank at the end': ['app_unknown', () => assertion({ claims: { sub: 'billing ' } })],
  'iss of another app': ['issuer', () => assertion({ claims: { iss: 'others' } })],
  'no iss': ['issuer', () => assertion({ claims: { iss: undefined } })],
  'no aud': ['audience', () => assertion({ claims: { aud: undefined } })],
  'aud of another server': ['audience', () => assertion({ claims: { aud: 'https://oauth2.segment.io' } })],
  'aud with http for https': ['audience', () => assertion({ claims: { aud: 'http://events.example.com' } })],
  'aud with another path': ['audience', () => assertion({ claims: { aud: `${BASE}/tokens` } })],
  'an aud that begins with that of the server': [
    'audience',
    () => assertion({ claims: { aud: `${BASE}.evil.example` } })
  ],
  'two audiences, one of them the server': [
    'audience',
    () => assertion({ claims: { aud: [BASE, 'https://b.example'] } })
  ],
  'no exp': ['claims', () => assertion({ claims: { exp: undefined } })],
  'exp as a string': ['claims', () => assertion({ claims: { exp: String(NOW_SECONDS + 50) } })],
  'exp in more than 120 s': ['lifetime', () => assertion({ claims: { exp: NOW_SECONDS + 121 } })],
  'exp in a thousand years': ['lifetime', () => assertion({ claims: { exp: 33e9 } })],
  'exp over a minute ago': ['expired', () => assertion({ claims: { exp: NOW_SECONDS - 61, iat: NOW_SECONDS - 121 } })],
  'no iat': ['claims', () => assertion({ claims: { iat: undefined } })],
  'iat as a string': ['claims', () => assertion({ claims: { iat: 'now' } })],
  'iat over a minute ahead': ['early', () => assertion({ claims: { iat: NOW_SECONDS + 61, exp: NOW_SECONDS + 119 } })],
  'a clock that is an hour ahead': [
    'early',
    () => assertion({ claims: { iat: NOW_SECONDS + 3595, exp: NOW_SECONDS + 3655 } })
  ],
  'nbf over a minute ahead': ['early', () => assertion({ claims: { nbf: NOW_SECONDS + 61 } })],
  'nbf as a string': ['claims', () => assertion({ claims: { nbf: 'now' } })],
  'no jti': ['claims', () => assertion({ claims: { jti: undefined } })],
  'an empty jti': ['claims', () => assertion({ claims: { jti: '' } })],
  'a jti that is not a string': ['claims', () => assertion({ claims: { jti: 5 } })],
  'a jti of 256 characters': ['claims', () => assertion({ claims: { jti: 'j'.repeat(256) } })],
  'an unknown critical header': [
    'assertion_malformed',
    () => rawJwt({ alg: 'RS256', kid: RSA.kid, crit: ['exp'], exp: 1 }, { sub: 'billing' }, 'AAAA')
  ],
  'the typ of an access token': ['assertion_malformed', () => assertion({ header: { typ: 'at+jwt' } })],
  'no JWT': ['assertion_malformed', () => 'no-jwt'],
  'two parts': ['assertion_malformed', async () => (await assertion()).replace(/\.[^.]*$/, '')],
  'four parts': ['assertion_malformed', async () => `${await assertion()}.AAAA`],
  'five parts, as in an encrypted token': ['assertion_malformed', () => 'a.b.c.d.e'],
  'a header that is not JSON': ['assertion_malformed', () => rawJwt('{', { sub: 'billing' }, 'AAAA')],
  'a header that is a list': ['assertion_malformed', () => rawJwt([], { sub: 'billing' }, 'AAAA')],
  'claims that are not JSON': ['assertion_malformed', () => rawJwt({ alg: 'RS256', kid: RSA.kid }, '{', 'AAAA')],
  'claims that are a list': ['assertion_malformed', () => rawJwt({ alg: 'RS256', kid: RSA.kid }, ['billing'], 'AAAA')],
  'claims that are null': ['assertion_malformed', () => rawJwt({ alg: 'RS256', kid: RSA.kid }, 'null', 'AAAA')],
  'an assertion of 9 KB': ['assertion_malformed', () => assertion({ claims: { extra: 'x'.repeat(9_000) } })]
}

t.test('each assertion that is forged or broken is refused with its code', async t => {
  const { url, adminUrl, sink } = await startApp(t, { config: CONFIG, env: ENV, clock })
  for (const [what, [code, make]] of Object.entries(BROKEN)) {
    const expected = TOKEN_ERRORS[code]
    const { status, headers, body } = await askToken(url, tokenForm(await make()))
    t.same([status, body], [expected.status, { error: expected.error, error_description: expected.description }], what)
    const answer = { status, headers: Object.fromEntries(headers), body: JSON.stringify(body) }
    assertAnswerMatchesContract(t, { method: 'POST', path: '/token', ...answer })
  }
  t.equal(sumOf(await readMetrics(adminUrl), 'tributary_oauth_token_requests_total', { outcome: 'issued' }), 0)
  t.same(sink.records, [])
})

t.test('no assertion that is forged or broken costs 20 ms of CPU time', async t => {
  const { apps = [] } = parseTributaryFile(CONFIG, 'tributary.yml').file
  for (const [what, [code, make]] of Object.entries(BROKEN)) {
    const made = await make()
    const spent = await leastCpuMs(async () => {
      t.equal(await checkAssertion(made, { apps, audiences: [BASE], now: NOW }), code)
    })
    t.ok(spent < 20, `${what} took ${spent} ms`)
  }
})

t.test('each request that is not a valid form for a token is refused as in RFC 6749', async t => {
  const { url } = await startApp(t, { config: CONFIG, env: ENV, clock })
  const form = 'application/x-www-form-urlencoded'
  const good = tokenForm(await assertion())
  const CASES: Readonly<Record<string, readonly [TokenErrorCode, string, Record<string, string>]>> = {
    'no body': ['malformed', '', { 'content-type': form }],
    'no grant_type': ['malformed', good.replace('grant_type=client_credentials&', ''), { 'content-type': form }],
    'another grant': ['grant_type', good.replace('client_credentials', 'password'), { 'content-type': form }],
    'a parameter twice': ['malformed', `${good}&scope=other`, { 'content-type': form }],
    'another assertion type': [
      'assertion_missing',
      good.replace('jwt-bearer', 'saml2-bearer'),
      { 'content-type': form }
    ],
    'no assertion': [
      'assertion_missing',
      `grant_type=client_credentials&client_assertion_type=${ASSERTION_TYPE}`,
      { 'content-type': form }
    ],
    'a secret instead of an assertion': [
      'assertion_missing',
      'grant_type=client_credentials&client_id=billing&client_secret=s',
      { 'content-type': form }
    ],
    'a scope that the app may not have': ['scope', tokenForm(await assertion(), 'admin'), { 'content-type': form }],
    'a scope that the app may have, and another': [
      'scope',
      tokenForm(await assertion(), 'tracking_api:write%20admin'),
      { 'content-type': form }
    ],
    JSON: [
      'content_type',
      JSON.stringify({ grant_type: 'client_credentials' }),
      { 'content-type': 'application/json' }
    ],
    'a form in gzip': ['content_type', good, { 'content-type': form, 'content-encoding': 'gzip' }],
    'a form of 17 KB': ['malformed', `${good}&x=${'x'.repeat(17_000)}`, { 'content-type': form }]
  }
  for (const [what, [code, body, headers]] of Object.entries(CASES)) {
    const answered = await askToken(url, body, headers)
    const { status, error, description } = TOKEN_ERRORS[code]
    t.same([answered.status, answered.body], [status, { error, error_description: description }], what)
  }
  t.equal((await askToken(url, good, { 'content-type': `${form}; charset=utf-8` })).status, 200)
})

t.test('an assertion is accepted once, also over a restart of the server', async t => {
  const dataDir = join(ownFolder(t), 'data')
  const env = { ...ENV, DATA_DIR: dataDir }
  const form = tokenForm(await assertion())
  const twice = { claims: { jti: 'twice' } }
  await t.test('before', async t => {
    const { url } = await startApp(t, { config: CONFIG, env, clock })
    t.equal((await askToken(url, form)).status, 200)
    const again = await askToken(url, form)
    t.same([again.status, again.body['error_description']], [401, TOKEN_ERRORS.replayed.description])
    const facts = { app: 'others', key: OTHERS, audience: BASE, nowSeconds: NOW_SECONDS }
    t.equal((await askToken(url, tokenForm(await assertion(twice)))).status, 200)
    t.equal(
      (await askToken(url, tokenForm(await assertion(twice, EC)))).status,
      401,
      'a used jti is refused in another assertion'
    )
    t.equal(
      (await askToken(url, tokenForm(await assertionFor(facts, twice)))).status,
      200,
      'two apps may use the same jti'
    )
  })
  await t.test('after', async t => {
    const { url } = await startApp(t, { config: CONFIG, env, clock })
    t.equal((await askToken(url, form)).status, 401)
    t.equal(readdirSync(join(dataDir, 'oauth', 'used')).length, 3)
  })
})

t.test('of ten concurrent requests with one assertion, one gets a token, and the others get the reason', async t => {
  const { url } = await startApp(t, { config: CONFIG, env: ENV, clock })
  const form = tokenForm(await assertion())
  const answers = await Promise.all(Array.from({ length: 10 }, () => askToken(url, form)))
  t.same(
    answers.map(({ status }) => status).sort((a, b) => a - b),
    [200, ...Array.from({ length: 9 }, () => 401)]
  )
})

t.test(
  'each of ten concurrent requests with its own assertion gets a token, also the first ones of a server',
  async t => {
    const { url } = await startApp(t, { config: CONFIG, env: ENV, clock })
    const forms = await Promise.all(Array.from({ length: 10 }, async () => tokenForm(await assertion())))
    const answers = await Promise.all(forms.map(form => askToken(url, form)))
    t.same(new Set(answers.map(({ status }) => status)), new Set([200]))
  }
)

t.test('an address that was refused a thousand times in a minute is told when to try again', async t => {
  let minutes = 0
  const movable = { now: () => NOW, monotonic: () => minutes * 60_001 }
  const { app } = await startApp(t, { config: CONFIG, env: ENV, clock: movable })
  const ask = (payload: string) =>
    app.tracking.inject({
      method: 'POST',
      url: '/token',
      headers: { host: 'localhost', 'content-type': 'application/x-www-form-urlencoded' },
      payload
    })
  let refused = 0
  // A busy machine can make the server shed load. Such an answer is not counted.
  while (refused < 1_000) if ((await ask(tokenForm('no-jwt'))).statusCode === 401) refused++
  const answered = await ask(tokenForm(await assertion()))
  t.same([answered.statusCode, answered.json()['error']], [429, 'slow_down'])
  t.match(answered.headers, { 'retry-after': '60', 'x-ratelimit-reset': '60' })
  minutes = 1
  t.equal((await ask(tokenForm(await assertion()))).statusCode, 200)
})

t.test('keys in OAUTH_SIGNING_KEY_FILE are shared by servers, and are reloaded when the file changes', async t => {
  const [old, next] = [makeKey('a', 'ES256'), makeKey('b', 'EdDSA')]
  const file = join(KEYS, 'keys.pem')
  writeFileSync(file, old.privatePem)
  let at = 0
  const env = { ...ENV, OAUTH_SIGNING_KEY_FILE: file }
  const { url } = await startApp(t, { config: CONFIG, env, clock: { now: () => NOW, monotonic: () => (at += 2_000) } })
  const algorithmOf = async (): Promise<unknown> =>
    decodeProtectedHeader(String((await askToken(url, tokenForm(await assertion()))).body['access_token'])).alg
  t.equal(await algorithmOf(), 'ES256')
  writeFileSync(file, `${next.privatePem}${old.publicPem}`)
  t.equal(await algorithmOf(), 'EdDSA', 'the first key of the file signs')
  const { keys } = (await (await fetch(`${url}/.well-known/jwks.json`)).json()) as { keys: readonly object[] }
  t.equal(keys.length, 2, 'the other keys are published until they are removed from the file')
  writeFileSync(file, 'no keys')
  t.equal(await algorithmOf(), 'EdDSA', 'an unusable file changes nothing')
  t.equal(readFileSync(file, 'utf8'), 'no keys')
})

t.test('if a named key file is missing, no token is made, and clients are told to try again', async t => {
  const env = { ...ENV, OAUTH_SIGNING_KEY_FILE: join(KEYS, 'missing.pem') }
  const { url } = await startApp(t, { config: CONFIG, env, clock })
  const { status, headers, body } = await askToken(url, tokenForm(await assertion()))
  t.same([status, body['error'], headers.get('retry-after')], [503, 'temporarily_unavailable', '1'])
})
