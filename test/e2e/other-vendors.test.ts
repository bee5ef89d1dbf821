/** SDKs of other vendors, unchanged from npm, with the server. Their users change only the host. */
import { readFileSync } from 'node:fs'
import { jitsuAnalytics } from '@jitsu/js'
import type { Test } from 'tap'
import t from 'tap'
import { EVENT_TYPES } from '../../src/model/event-types.ts'
import type { TestApp } from '../support/app.ts'
import { startApp } from '../support/app.ts'
import { readMetrics, sumOf } from '../support/metrics.ts'
import type { Visit } from '../support/sdks/browser-sdk.ts'
import { strangers, visit } from '../support/sdks/browser-sdk.ts'
import { until } from '../support/until.ts'

const CONFIG = `
sources:
  - { id: rudder, writeKeys: [wk_rudder] }
  - { id: cio, writeKeys: [wk_cio], settingsFor: customer.io }
  - { id: jitsu, writeKeys: [wk_jitsu] }
`
/** The file for a script tag is beside the file for bundlers. */
const RUDDER = new URL('../umd/index.js', import.meta.resolve('@rudderstack/analytics-js/bundled'))
const CUSTOMER_IO = new URL('../umd/index.js', import.meta.resolve('@customerio/cdp-analytics-browser'))

function page(bundle: URL, script: string): string {
  const code = readFileSync(bundle, 'utf8')
  return `<!doctype html><title>Shop</title><script>${code}</script><script>${script}</script>`
}

/** The arrived events, by type. A published write key violates the schema of the record and fails the test. */
function arrived({ sink }: TestApp): readonly string[] {
  return sink.records.map(({ line }) => (JSON.parse(line.toString()) as { type: string }).type).toSorted()
}

/** Each call is an event, exactly once, and the page contacted only the server. */
async function assertDelivered(t: Test, app: TestApp, types: readonly string[], visited?: Visit): Promise<void> {
  await until(() => app.sink.records.length >= types.length, {
    what: `${types.length} events at the sink`,
    timeoutMs: 30_000,
    seen: () => `${arrived(app).join()}; asked: ${visited?.asked.join()}`
  })
  t.same(arrived(app), types.toSorted())
  if (visited !== undefined) t.same(strangers(visited, app.url), [], 'the browser sends no request to a vendor')
}

for (const useBeacon of [false, true]) {
  t.test(`@rudderstack/analytics-js in Chromium, useBeacon: ${useBeacon}`, async t => {
    const app = await startApp(t, { config: CONFIG })
    const script = `
      const analytics = new rudderanalytics.RudderAnalytics()
      analytics.load('wk_rudder', '${app.url}', { configUrl: '${app.url}', useBeacon: ${useBeacon}, beaconQueueOptions: { flushQueueInterval: 500 } })
      analytics.identify('user-1', { plan: 'free' })
      analytics.page('Home')
      analytics.track('Signed Up')
      analytics.group('group-1')
      analytics.alias('user-2', 'user-1')`
    await visit(page(RUDDER, script), '', async visited => {
      await assertDelivered(t, app, ['identify', 'page', 'track', 'group', 'alias'], visited)
      // The browser does not report each beacon.
      const labels = { route: '/beacon/v1/batch', status: '200' }
      const beacons = async () =>
        sumOf(await readMetrics(app.adminUrl), 'tributary_http_request_duration_seconds_count', labels)
      if (useBeacon) await until(async () => (await beacons()) > 0, { what: 'an answered beacon' })
      else t.equal(await beacons(), 0)
    })
  })
}

t.test('@customerio/cdp-analytics-browser in Chromium', async t => {
  const app = await startApp(t, { config: CONFIG })
  const script = `
    const analytics = AnalyticsNext.AnalyticsBrowser.load({ writeKey: 'wk_cio', cdnURL: '${app.url}' })
    analytics.identify('user-1', { plan: 'free' })
    analytics.page('Home')
    analytics.screen('Start')
    analytics.track('Signed Up')
    analytics.group('group-1')
    analytics.alias('user-2', 'user-1')`
  await visit(page(CUSTOMER_IO, script), '', async visited => {
    await assertDelivered(t, app, EVENT_TYPES, visited)
  })
})

for (const s2s of [false, true]) {
  t.test(`@jitsu/js in Node, s2s: ${s2s}`, async t => {
    const app = await startApp(t, { config: CONFIG })
    const jitsu = jitsuAnalytics({ host: app.url, writeKey: 'wk_jitsu:none', s2s, errorPolicy: 'rethrow' })
    await jitsu.identify('user-1', { plan: 'free' })
    await jitsu.page({ name: 'Home' })
    await jitsu.track('Signed Up')
    await jitsu.group('group-1')
    await assertDelivered(t, app, ['identify', 'page', 'track', 'group'])
  })
}
