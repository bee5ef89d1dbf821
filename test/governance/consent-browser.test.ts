import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import t from 'tap'
import { startBrowser } from '../support/admin.ts'
import { CONFIG, startApp } from '../support/app.ts'
import { until } from '../support/until.ts'

const MODULES = new URL('../../node_modules/', import.meta.url)
/** The folder of the page's own files. */
const FOLDERS: readonly (readonly [prefix: string, folder: string])[] = [
  ['/tools/', '@segment/analytics-consent-tools/dist/esm/'],
  ['/generic/', '@segment/analytics-generic-utils/dist/esm/'],
  ['/umd/', '@segment/analytics-next/dist/umd/'],
  ['/tslib/', 'tslib/']
]

/** A shop with Segment's own wrapper, whose modules import one another without file extensions. */
async function serveShop(t: Test, html: string): Promise<string> {
  const server = createServer((request, response) => {
    void (async () => {
      const { status = 200, headers, body } = await answer(request.url ?? '/')
      response.writeHead(status, headers).end(body)
    })()
  })
  async function answer(
    url: string
  ): Promise<{ status?: number; headers: Record<string, string>; body?: Buffer | string }> {
    const [prefix, folder] = FOLDERS.find(([start]) => url.startsWith(start)) ?? []
    if (prefix === undefined) return { headers: { 'content-type': 'text/html' }, body: html }
    for (const ending of ['', '.js', '/index.js']) {
      const body = await readFile(new URL(folder + url.slice(prefix.length) + ending, MODULES)).catch(() => undefined)
      if (body === undefined) continue
      if (ending !== '') return { status: 302, headers: { location: url + ending } }
      return { headers: { 'content-type': 'text/javascript' }, body }
    }
    return { status: 404, headers: {} }
  }
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://localhost:${(server.address() as AddressInfo).port}/`
}

/** The settings from Segment's documentation for users who must opt out. */
const shopPage = (url: string): string => `<!doctype html><title>Shop</title>
<script src="/umd/index.js"></script>
<script type="importmap">{ "imports": {
  "tslib": "/tslib/tslib.es6.mjs",
  "@segment/analytics-generic-utils": "/generic/index.js"
} }</script>
<script type="module">
import { createWrapper } from '/tools/index.js'
window.chosen = { ads: false, stats: false }
const analytics = new AnalyticsNext.AnalyticsBrowser()
createWrapper({
  shouldLoadSegment: context => context.load({ consentModel: 'opt-out' }),
  getCategories: () => window.chosen
})(analytics)
await analytics.load({ writeKey: 'wk_test', cdnURL: '${url}' })
window.analytics = analytics
</script>`

t.test("Segment's consent wrapper, in a real browser, blocks and stamps events by our settings document", async t => {
  const config = `${CONFIG}
destinations:
  - { name: Ads, topic: ads, consent: { categories: [ads] } }
  - { name: Stats, topic: stats, consent: { categories: [stats] } }
`
  const server = await startApp(t, { config })
  const site = await serveShop(t, shopPage(server.url))
  const browser = await startBrowser(t)
  const page = await browser.newPage()
  await page.goto(site)
  await page.waitForFunction('window.analytics !== undefined', undefined, { timeout: 60_000 })
  await page.evaluate("analytics.track('Held Back')")
  await page.evaluate("window.chosen = { ads: true, stats: false }; analytics.track('Sent')")
  await page.evaluate("window.chosen = { ads: false, stats: true }; analytics.track('Last')")
  await until(() => server.sink.records.length > 1, { what: 'the events with consent', timeoutMs: 60_000 })
  const sent = server.sink.records.map(({ line, topics }) => {
    const { event, context } = JSON.parse(line.toString()) as { event: string; context: { consent: object } }
    return { event, consent: context.consent, topics }
  })
  t.strictSame(
    new Map(sent.map(({ event, ...rest }) => [event, rest])),
    new Map([
      ['Sent', { consent: { categoryPreferences: { ads: true, stats: false } }, topics: ['tributary.events', 'ads'] }],
      ['Last', { consent: { categoryPreferences: { ads: false, stats: true } }, topics: ['tributary.events', 'stats'] }]
    ])
  )
})
