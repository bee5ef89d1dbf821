/**
 * Tokens and assertions are secrets: whatever their result, none is in a log, a metric or an answer of the admin
 * listener.
 */
import { pino } from 'pino'
import t from 'tap'
import { post, startApp } from '../support/app.ts'
import { appEntries, askToken, assertionFor, makeKey, movableClock, tokenForm } from '../support/oauth.ts'

const BASE = 'https://events.example.com'
const KEY = makeKey('k1')
const OTHER = makeKey('k1')
const ADMIN_PATHS = ['/metrics', '/api/events?detail=true', '/api/rejections', '/api/sources', '/api/audit']

t.test('no token and no assertion is in a log, a metric or the debugger, whatever their result', async t => {
  const lines: string[] = []
  const logger = pino({ level: 'trace' }, { write: line => void lines.push(line) })
  const clock = movableClock()
  const { url, adminUrl } = await startApp(t, {
    config: JSON.stringify({
      sources: [{ id: 'backend', writeKeys: ['wk_backend'], oauth: 'required' }],
      apps: appEntries([{ id: 'billing', keys: [KEY], ttl: '1h' }])
    }),
    env: { PUBLIC_URL: BASE },
    clock,
    logger
  })
  const assertion = (key: typeof KEY, claims: object = {}): Promise<string> =>
    assertionFor({ app: 'billing', key, audience: BASE, nowSeconds: clock.now() / 1000 }, { claims: { ...claims } })
  const send = async (token: string): Promise<number> => {
    const headers = { authorization: `Bearer ${token}`, 'x-write-key': 'wk_backend' }
    return (await post(`${url}/v1/track`, { userId: 'u', event: 'e' }, headers)).status
  }

  const good = await assertion(KEY)
  const forged = await assertion(OTHER)
  const wrong = await assertion(KEY, { aud: 'https://elsewhere.example' })
  const token = String((await askToken(url, tokenForm(good))).body['access_token'])
  for (const bad of [good, forged, wrong]) t.equal((await askToken(url, tokenForm(bad))).status, 401)
  t.equal(await send(token), 200)
  t.equal(await send(`${token.slice(0, -8)}AAAAAAAA`), 401)
  t.equal(await send(forged), 511, 'an assertion with an unknown key is refused')
  clock.jump(2 * 60 * 60 * 1000)
  t.equal(await send(token), 511)

  const shown = await Promise.all(ADMIN_PATHS.map(async path => (await fetch(adminUrl + path)).text()))
  const all = [...lines, ...shown].join('\n')
  t.match(all, 'tributary_oauth_token_requests_total', 'the texts contain the metrics of token requests')
  for (const secret of [good, forged, wrong, token]) {
    const [, , signature = ''] = secret.split('.')
    t.notOk(all.includes(signature), 'the texts do not contain the signature')
    t.notOk(all.includes(secret.slice(0, -signature.length)), 'the texts do not contain the signed part')
  }
})
