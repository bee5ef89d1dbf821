/**
 * Segment's SDKs with their own OAuth settings, unmodified: no event is lost except those of an app that was revoked.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import type { Clock } from '../../src/model/clock.ts'
import { startApp } from '../support/app.ts'
import type { TestApp } from '../support/app.ts'
import { readMetrics, sumOf } from '../support/metrics.ts'
import type { TestApp as OAuthApp, TestKey } from '../support/oauth.ts'
import { appEntries, askToken, assertionFor, makeKey, movableClock, tokenForm } from '../support/oauth.ts'
import { ownFolder } from '../support/own-folder.ts'
import type { OAuthSdk, OAuthSdkTarget } from '../support/sdks/oauth-sdks.ts'
import { nodeOAuthSdk, pythonOAuthSdk } from '../support/sdks/oauth-sdks.ts'
import { until } from '../support/until.ts'

const TIMEOUT_MS = 60_000
const HOUR_MS = 3_600_000
const SHORT_TTL = '8s'
const OLD = makeKey('k1')
const NEW = makeKey('k2')
const OTHER = makeKey('o1')
const FOLDER = ownFolder(t)

const SDKS: Readonly<Record<string, (t: Test, target: OAuthSdkTarget) => OAuthSdk>> = {
  '@segment/analytics-node': nodeOAuthSdk,
  'segment-analytics-python': (t, target) => pythonOAuthSdk(t, target, FOLDER)
}

const configOf = (apps: readonly OAuthApp[]): string =>
  JSON.stringify({
    sources: [{ id: 'backend', writeKeys: ['wk_backend'], oauth: 'required' }],
    apps: appEntries([...apps, { id: 'other', keys: [OTHER] }])
  })

/**
 * Makes an edit and waits until it is in force: until a request for a token with a key of `billing` gets this answer.
 */
async function edit(
  { app, dir, url }: TestApp,
  apps: readonly OAuthApp[],
  { key, status, clock }: { readonly key: TestKey; readonly status: number; readonly clock: Clock }
): Promise<void> {
  writeFileSync(join(dir, 'tributary.yml'), configOf(apps))
  app.reload()
  const isInForce = async (): Promise<boolean> => {
    const facts = { app: 'billing', key, audience: url, nowSeconds: clock.now() / 1000 }
    return (await askToken(url, tokenForm(await assertionFor(facts)))).status === status
  }
  await until(isInForce, { what: 'the edit to be in force', timeoutMs: TIMEOUT_MS })
}

for (const [name, connect] of Object.entries(SDKS)) {
  t.test(`${name} loses no event with short-lived tokens, new keys and a clock that jumps`, async t => {
    const clock = movableClock()
    const signing = join(FOLDER, `${name.replaceAll('/', '-')}.pem`)
    writeFileSync(signing, makeKey('s1', 'ES256').privatePem)
    const first = { id: 'billing', keys: [OLD], ttl: SHORT_TTL }
    const env = { OAUTH_SIGNING_KEY_FILE: signing }
    const server = await startApp(t, { config: configOf([first]), env, clock })
    const { url, adminUrl, sink } = server
    const target = { url, writeKey: 'wk_backend', app: 'billing', key: OLD }
    const sdk = connect(t, target)
    const count = async (metric: string, labels: Record<string, string>): Promise<number> =>
      sumOf(await readMetrics(adminUrl), metric, labels)
    const issued = (): Promise<number> => count('tributary_oauth_token_requests_total', { outcome: 'issued' })
    const refused = (code: string): Promise<number> => count('tributary_requests_refused_total', { code })
    const sends = async (how: string, from = sdk): Promise<void> => {
      const before = sink.records.length
      t.equal(await from.send(5), 0, `${how}: no event is lost`)
      t.equal(sink.records.length, before + 5, `${how}: all events are stored`)
    }

    await sends('with the first token')
    const before = await issued()
    // Nothing is sent in this time, so only the SDK's own timer can request a token.
    await until(async () => (await issued()) > before, { what: 'a new token at half-life', timeoutMs: TIMEOUT_MS })
    await sends('with a renewed token')

    writeFileSync(signing, makeKey('s2', 'ES256').privatePem)
    await until(
      async () => {
        await sends('while the signing key is replaced')
        return (await refused('token_unknown_key')) > 0
      },
      { what: 'a token of the old signing key that is refused', timeoutMs: TIMEOUT_MS }
    )

    clock.jump(HOUR_MS)
    await sends('after the clock of the server jumped')
    t.ok((await count('tributary_oauth_token_requests_total', { outcome: 'expired' })) > 0)

    await edit(server, [{ ...first, keys: [OLD, NEW] }], { key: NEW, status: 200, clock })
    const renewed = connect(t, { ...target, key: NEW })
    await sends('with the old key of the app', sdk)
    await sends('with the new key of the app', renewed)
    await edit(server, [{ ...first, keys: [NEW] }], { key: OLD, status: 401, clock })
    await sends('without the old key of the app', renewed)
  })

  t.test(`${name} loses only the events of an app that was revoked`, async t => {
    const clock = movableClock()
    const server = await startApp(t, { config: configOf([{ id: 'billing', keys: [OLD] }]), clock })
    const { url, sink } = server
    const target = { url, writeKey: 'wk_backend', app: 'billing', key: OLD }
    const [doomed, other] = [connect(t, target), connect(t, { ...target, app: 'other', key: OTHER })]
    t.same(await Promise.all([doomed.send(5), other.send(5)]), [0, 0])
    await edit(server, [], { key: OLD, status: 401, clock })
    t.ok((await doomed.send(5)) > 0)
    t.equal(await other.send(5), 0)
    t.equal(sink.records.length, 15)
  })
}
