/** `tributary apps`: from the command to a token, as an operator and an SDK use it. */
import { createPrivateKey } from 'node:crypto'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { startApp } from '../../support/app.ts'
import type { TestKey } from '../../support/oauth.ts'
import { askToken, assertionFor, tokenForm } from '../../support/oauth.ts'
import { ownFolder } from '../../support/own-folder.ts'
import { MAIN, run } from '../run.ts'

const CONFIG = `sources:
  - id: backend
    writeKeys: [wk_backend]
    oauth: required
`
const BASE = 'https://events.example.com'
const clock = { now: Date.now, monotonic: () => performance.now() }

function folder(t: Test) {
  const dir = ownFolder(t)
  writeFileSync(join(dir, 'tributary.yml'), CONFIG)
  const tributary = (line: string) =>
    run(process.execPath, [MAIN, ...line.split(' ')], { cwd: dir, env: { PUBLIC_URL: BASE } })
  const config = (): string => readFileSync(join(dir, 'tributary.yml'), 'utf8')
  const keyOf = (kid: string): TestKey => {
    const privatePem = readFileSync(join(dir, `billing-${kid}.pem`), 'utf8')
    const privateKey = createPrivateKey(privatePem)
    return { kid, alg: 'RS256', privateKey, privatePem, publicKey: privateKey, publicPem: '' }
  }
  return { dir, tributary, config, keyOf }
}

/** The status of a request for a token with this key, at a server with this configuration. */
async function statusOf(t: Test, config: string, key: TestKey): Promise<number> {
  const { url } = await startApp(t, { config, env: { PUBLIC_URL: BASE }, clock })
  const nowSeconds = Date.now() / 1000
  const assertion = await assertionFor({ app: 'billing', key, audience: BASE, nowSeconds })
  return (await askToken(url, tokenForm(assertion))).status
}

t.test('an app can be added, gets tokens, can change its key without interruption, and can be revoked', async t => {
  const { dir, tributary, config, keyOf } = folder(t)
  const added = await tributary('apps add billing --source backend --ttl 12h')
  t.equal(added.code, 0, added.stderr)
  t.match(added.stdout, /clientId: "billing"/)
  t.match(added.stdout, /analytics\.oauth_key_id = "k1"/)
  t.match(added.stdout, `authServer: "${BASE}"`)
  t.notMatch(added.stdout + added.stderr + config(), 'PRIVATE KEY', 'only the key file contains the private key')
  t.equal(statSync(join(dir, 'billing-k1.pem')).mode & 0o777, 0o600)
  const first = keyOf('k1')
  t.equal(await statusOf(t, config(), first), 200)

  const rotated = JSON.parse((await tributary('apps rotate billing --json')).stdout) as object
  t.strictSame(rotated, { app: 'billing', kid: 'k2', keyFile: 'billing-k2.pem' })
  const second = keyOf('k2')
  t.strictSame([await statusOf(t, config(), first), await statusOf(t, config(), second)], [200, 200])
  const listed = JSON.parse((await tributary('apps list --json')).stdout) as object
  t.strictSame(listed, [
    { app: 'billing', kids: ['k1', 'k2'], sources: ['backend'], ttlSeconds: 43_200, scope: 'tracking_api:write' }
  ])
  t.match((await tributary('apps list')).stdout, /billing +k1, k2 +backend/)

  t.equal((await tributary('apps revoke billing k1')).code, 0)
  t.strictSame([await statusOf(t, config(), first), await statusOf(t, config(), second)], [401, 200])
  t.equal((await tributary('apps revoke billing')).code, 0)
  t.equal(await statusOf(t, config(), second), 401)
  t.equal(config().trim(), CONFIG.trim(), 'the configuration is unchanged')
})

t.test('a command that cannot do its work says so and changes nothing', async t => {
  const { dir, tributary, config } = folder(t)
  await tributary('apps add billing')
  const before = config()
  const cases: [string, RegExp][] = [
    ['apps add billing --kid other', /there is an app "billing" already/],
    ['apps add other --source bakend', /there is no source "bakend"; there are: backend/],
    ['apps add other --ttl never', /ttl/],
    ['apps add a/b', /apps\[1\]\.id/],
    ['apps add other --out billing-k1.pem', /billing-k1\.pem exists already: name another file with --out/],
    ['apps rotate biling', /there is no app "biling"; there are: billing/],
    ['apps rotate billing --kid k1 --out other.pem', /"billing" has a key "k1" already/],
    ['apps revoke billing k7', /"billing" has no key "k7"; it has: k1/],
    ['apps revoke billing k1', /that is the last key of "billing"/]
  ]
  for (const [line, says] of cases) {
    const { code, stderr } = await tributary(line)
    t.not(code, 0, line)
    t.match(stderr, says, line)
  }
  t.equal(config(), before)
  for (const file of ['billing-other.pem', 'other-k1.pem', 'a_b-k1.pem', 'other.pem']) {
    t.notOk(existsSync(join(dir, file)), `the command creates no ${file}`)
  }
})
