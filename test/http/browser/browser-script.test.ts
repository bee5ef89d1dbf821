import { readFileSync } from 'node:fs'
import { Script } from 'node:vm'
import type { Test } from 'tap'
import t from 'tap'
import { loadBrowserBundle } from '../../../src/http/browser/browser-bundle.ts'
import { startApp } from '../../support/app.ts'
import { assertAnswerMatchesContract } from '../../support/contract-answers.ts'
import { whileOverloaded } from '../../support/overload.ts'
import { visit } from '../../support/sdks/browser-sdk.ts'
import { until } from '../../support/until.ts'

const PATH = '/analytics.js/v1/wk_test/analytics.min.js'
const STANDALONE = new URL('../../../node_modules/@segment/analytics-next/dist/umd/standalone.js', import.meta.url)

async function get(t: Test, url: string, headers: Record<string, string> = {}) {
  const response = await fetch(url, { headers: { 'accept-encoding': 'identity', ...headers } })
  const text = await response.text()
  const answer = { method: 'GET', path: new URL(url).pathname, status: response.status, body: text }
  assertAnswerMatchesContract(t, { ...answer, headers: Object.fromEntries(response.headers) })
  return { status: response.status, headers: response.headers, text }
}

t.test("the script is the package's own standalone bundle, with its licence on top", async t => {
  const { url } = await startApp(t)
  const { status, text, headers } = await get(t, url + PATH)
  t.equal(status, 200)
  t.equal(headers.get('content-type'), 'text/javascript; charset=utf-8')
  t.equal(headers.get('x-content-type-options'), 'nosniff')
  t.equal(
    headers.get('cross-origin-resource-policy'),
    'cross-origin',
    'pages with cross-origin isolation can load the script'
  )
  t.match(text, /^\/\*! @segment\/analytics-next \d+\.\d+\.\d+\n\nThe MIT License/)
  t.match(text, 'The above copyright notice and this permission notice shall be included in')
  const bundle = readFileSync(STANDALONE, 'utf8').replace(/\/\/# sourceMappingURL.*\s*$/, '')
  t.ok(
    text.includes(bundle.replace('"api.segment.io/v1"', 'tributaryApiHost')),
    'the script equals the bundle, except for one default'
  )
  t.notMatch(text, 'api.segment.io', 'the script reports no failures to its vendor')
  t.doesNotThrow(() => new Script(text), 'the text is a valid script')
})

t.test('the script is the same for every key and host, so that any cache may store it for a day', async t => {
  const { url } = await startApp(t)
  const [one, other] = [await get(t, url + PATH), await get(t, url + PATH.replace('wk_test', 'wk_second'))]
  t.equal(one.text, other.text)
  t.notMatch(one.text, /wk_test|127\.0\.0\.1/)
  t.match(one.headers.get('cache-control'), /^public, max-age=86400/)
})

t.test('a browser that has the script already is not sent it again, in either encoding', async t => {
  const { url } = await startApp(t, { env: { CORS_ORIGINS: 'https://example.com' } })
  for (const encoding of ['identity', 'gzip']) {
    const first = await get(t, url + PATH, { 'accept-encoding': encoding })
    t.equal(first.headers.get('content-encoding'), encoding === 'gzip' ? 'gzip' : null)
    const tag = first.headers.get('etag') ?? ''
    t.match(tag, encoding === 'gzip' ? /^"[\w-]+-gzip"$/ : /^"[\w-]+"$/)
    for (const wanted of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
      const again = await get(t, url + PATH, { 'accept-encoding': encoding, 'if-none-match': wanted })
      t.equal(again.status, 304, wanted)
      t.equal(again.text, '')
    }
    t.equal((await get(t, url + PATH, { 'if-none-match': '"other"' })).status, 200)
  }
  const { headers } = await get(t, url + PATH, { 'accept-encoding': 'br, gzip;q=0' })
  t.equal(headers.get('content-encoding'), null)
  t.match(headers.get('vary'), /origin.*accept-encoding/i)
})

t.test(
  'a page whose key gets no script is told why, as a script, in the status line and with the code of the metric',
  async t => {
    const { url, adminUrl } = await startApp(t)
    for (const [key, status, code, message] of [
      ['wk_nobody', 404, 'write_key_unknown', 'no source has this write key'],
      ['wk_off', 401, 'source_disabled', 'the source of this write key is disabled']
    ] as const) {
      const response = await fetch(url + PATH.replace('wk_test', key))
      t.equal(response.status, status)
      t.equal(response.statusText, message, 'browsers show the status line in their console')
      t.equal(response.headers.get('content-type'), 'text/javascript; charset=utf-8', 'browsers block JSON as a script')
      t.equal(response.headers.get('cross-origin-resource-policy'), 'cross-origin')
      const text = await response.text()
      assertAnswerMatchesContract(t, {
        method: 'GET',
        path: PATH,
        status,
        body: text,
        headers: Object.fromEntries(response.headers)
      })
      const said: unknown[] = []
      new Script(text).runInNewContext({ console: { error: (...words: unknown[]) => said.push(...words) } })
      t.match(said, ['Tributary sends no script:', { success: false, code, message }])
      t.match(await (await fetch(`${adminUrl}/metrics`)).text(), `tributary_requests_refused_total{code="${code}"} 1`)
    }
  }
)

t.test("a browser's console says why a page has no analytics.js and no settings", async t => {
  const { url } = await startApp(t)
  const wrong = url + PATH.replace('wk_test', 'wk_nobody')
  await visit('<title>Shop</title>', '', async ({ page }) => {
    const complaints: string[] = []
    page.on('console', message => complaints.push(`${message.location().url}: ${message.text()}`))
    await page.addScriptTag({ url: wrong }).catch(() => undefined)
    await page.evaluate(`fetch('${url}/v1/projects/wk_nobody/settings')`)
    await until(() => complaints.length >= 2, { what: "two messages in the browser's console" })
    for (const complaint of complaints) t.match(complaint, /wk_nobody.*: .* 404 \(no source has this write key\)/)
  })
})

t.test('every part that the script may load may be cached permanently, and has the licence', async t => {
  const { url } = await startApp(t)
  const bundle = readFileSync(STANDALONE, 'utf8')
  const [, names = '', hashes = ''] =
    /return\((\{10:[^}]*\})\[t\]\|\|t\)\+"\.bundle\."\+(\{[^}]*\})\[t\]/.exec(bundle) ?? []
  const parse = (text: string) => JSON.parse(text.replaceAll(/(\d+):/g, '"$1":')) as Record<string, string>
  const files = Object.entries(parse(hashes)).map(([id, hash]) => `${parse(names)[id] ?? id}.bundle.${hash}.js`)
  t.equal(files.length, 8)
  t.same(new Set(files), new Set((await loadBrowserBundle()).parts.keys()))
  for (const file of files) {
    const { status, headers, text } = await get(t, `${url}/analytics-next/bundles/${file}`)
    t.equal(status, 200, file)
    t.equal(headers.get('cache-control'), 'public, max-age=31536000, immutable')
    t.match(text, /^\/\*! @segment\/analytics-next/)
  }
  t.equal((await get(t, `${url}/analytics-next/bundles/package.json`)).status, 404)
  t.equal((await get(t, `${url}/analytics-next/bundles/..%2F..%2F..%2Fpackage.json`)).status, 404)
})

t.test('a page gets its SDK and its settings from an overloaded server too: nobody would ask again', async t => {
  const app = await startApp(t)
  const { parts } = await loadBrowserBundle()
  const [part] = parts.keys()
  const paths = [PATH, `/analytics-next/bundles/${part}`, '/v1/projects/wk_test/settings']
  const answers = await whileOverloaded(app, () => Promise.all(paths.map(path => fetch(app.url + path))))
  for (const { status, url } of answers.flat()) t.equal(status, 200, url)
})
