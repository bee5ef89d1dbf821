/** CORS with credentials in a real browser: each way in which a page can send to another origin. */
import t from 'tap'
import { startApp } from '../../support/app.ts'
import { visit } from '../../support/sdks/browser-sdk.ts'
import { until } from '../../support/until.ts'

const HTML = '<!doctype html><title>Shop</title>'

/**
 * Defines `send(way, url)` in the page. It returns the answer, or 'refused' if the browser does not let the page read
 * it.
 */
const WAYS = `
  const body = way => JSON.stringify({ userId: 'u', event: way })
  const type = 'application/json'
  const ways = {
    beacon: url => navigator.sendBeacon(url, new Blob([body('beacon')], { type })),
    fetch: url => fetch(url, { method: 'POST', credentials: 'include', headers: { 'content-type': type }, body: body('fetch') })
      .then(response => response.json()).then(({ success }) => success),
    xhr: url => new Promise((resolve, reject) => {
      const xhr = new XMLHttpRequest()
      xhr.open('POST', url)
      xhr.withCredentials = true
      xhr.setRequestHeader('content-type', type)
      xhr.onload = () => resolve(JSON.parse(xhr.responseText).success)
      xhr.onerror = reject
      xhr.send(body('xhr'))
    })
  }
  const send = (way, url) => Promise.resolve(ways[way](url)).catch(() => 'refused')
`

t.test('a page of a named origin sends with sendBeacon, fetch and XHR with credentials', async t => {
  await visit(HTML, '', async ({ page, site }) => {
    const origin = new URL(site).origin
    for (const [env, allowedOrigins] of [
      [{}, [origin]],
      [{ CORS_ORIGINS: origin }, undefined]
    ] as const) {
      const config = JSON.stringify({ sources: [{ id: 'web', writeKeys: ['wk_test'], allowedOrigins }] })
      const { url, sink } = await startApp(t, { env, config })
      const path = `${url}/v1/track?writeKey=wk_test`
      for (const way of ['beacon', 'fetch', 'xhr']) {
        t.equal(await page.evaluate(`(() => { ${WAYS}; return send('${way}', '${path}') })()`), true, way)
        const arrived = () => sink.records.some(({ line }) => line.toString().includes(`"event":"${way}"`))
        await until(arrived, { what: `the event that was sent by ${way}` })
      }
    }
  })
})

t.test('a page of another origin can send only without credentials, and the browser refuses the rest', async t => {
  const { url, sink } = await startApp(t)
  const path = `${url}/v1/track?writeKey=wk_test`
  await visit(HTML, '', async ({ page }) => {
    for (const way of ['fetch', 'xhr']) {
      t.equal(await page.evaluate(`(() => { ${WAYS}; return send('${way}', '${path}') })()`), 'refused', way)
    }
    const plain = `fetch('${path}', { method: 'POST', body: '{"userId":"u","event":"plain"}' }).then(r => r.status)`
    t.equal(await page.evaluate(plain), 200)
  })
  t.equal(sink.records.length, 1)
})
