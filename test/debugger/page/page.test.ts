import t from 'tap'
import { basic, KEY, postUntilTaken as post, startApp } from '../../support/app.ts'
import type { TestApp } from '../../support/app.ts'
import { openPage, startBrowser } from '../../support/admin.ts'
import { until } from '../../support/until.ts'

const clock = { now: Date.now, monotonic: () => performance.now() }
const browser = await startBrowser(t)

function track({ url }: TestApp, event: string, more: object = {}) {
  return post(`${url}/v1/track`, { userId: 'user-1', event, ...more })
}

t.test('An event appears in the live stream less than a second after its POST', async t => {
  const server = await startApp(t, { clock })
  const { page, complaints } = await openPage(browser, server.adminUrl)
  await page.getByText('Live', { exact: true }).nth(1).waitFor()
  const start = performance.now()
  t.equal((await track(server, 'Order Completed')).status, 200)
  await page.locator('.row', { hasText: 'Order Completed' }).waitFor()
  const ms = performance.now() - start
  t.ok(ms < 1000, `the event appeared after ${Math.round(ms)} ms`)
  t.strictSame(complaints, [], 'the page does not violate its security policy')
  await page.close()
})

t.test('A rejected event appears with its error, in the stream and among the rejections', async t => {
  const server = await startApp(t, { clock })
  const { page } = await openPage(browser, server.adminUrl)
  await post(`${server.url}/v1/track`, {
    event: 'Nobody Home',
    context: { library: { name: 'analytics-go', version: '3.3.0' } }
  })
  const row = page.locator('.row', { hasText: 'Nobody Home' })
  await row.waitFor()
  t.match(await row.innerText(), /rejected[\s\S]*no_user_anon_id/)
  await row.click()
  t.match(await page.locator('.fault').innerText(), /userId or anonymousId must be a non-empty string/)
  await page.getByRole('link', { name: 'Rejections' }).click()
  const group = page.locator('.group', { hasText: 'no_user_anon_id' })
  await group.waitFor()
  t.match(await group.innerText(), /analytics-go 3\.3\.0 \(1\)/, 'the group names the SDK')
  await page.close()
})

t.test('A page with a wrong key or origin is on Rejections with its reason, and the strip leads there', async t => {
  const server = await startApp(t, { clock })
  await fetch(`${server.url}/analytics.js/v1/wk_somebodyElsesLongWriteKey123/analytics.min.js`)
  const headers = { authorization: basic('wk_shop'), origin: 'https://evil.example' }
  await post(`${server.url}/v1/track`, {}, headers)
  const { page } = await openPage(browser, server.adminUrl)
  await page.locator('a.strip', { hasText: '2 requests were refused' }).click()
  const unknown = page.locator('.group', { hasText: 'write_key_unknown' })
  await unknown.waitFor()
  t.match(await unknown.innerText(), /no source has this write key[\s\S]*analytics\.min\.js\s+key wk_som…123/)
  const foreign = page.locator('.group', { hasText: 'origin_not_allowed' })
  t.match(await foreign.innerText(), /evil\.example is not in allowedOrigins of shop \(https:\/\/shop\.example\)/)
  await page.goto(`${server.adminUrl}/#/overview`)
  await page.getByRole('link', { name: 'Open Rejections' }).click()
  await foreign.waitFor()
  await page.close()
})

t.test('Filters show matching events and hide the others, for old events and for new events', async t => {
  const server = await startApp(t, { clock })
  await track(server, 'Signed Up')
  await track(server, 'Order Completed', { properties: { coupon: 'SPRING' } })
  await post(`${server.url}/v1/page`, { userId: 'user-2', name: 'Pricing' })
  await post(`${server.url}/v1/track`, { userId: 'user-3' })
  const { page } = await openPage(browser, server.adminUrl)
  const names = async (): Promise<string> => {
    const cells = await page.locator('.list .row .name').allInnerTexts()
    return cells.map(cell => cell.replace(/\s*event_not_defined/, '').trim()).join(', ')
  }
  const shows = async (expected: string[], what: string): Promise<void> => {
    await until(async () => (await names()) === expected.join(', '), { what: `the stream to show that ${what}` })
    t.ok(true, what)
  }
  await shows(['', 'Pricing', 'Order Completed', 'Signed Up'], 'the newest event is first')
  await page.getByLabel('Type').selectOption('track')
  await shows(['', 'Order Completed', 'Signed Up'], 'events are filtered by type')
  await page.getByLabel('Outcome').selectOption('rejected')
  await shows([''], 'events are filtered by outcome')
  await page.getByRole('button', { name: 'Reset' }).click()
  await page.getByLabel('Event', { exact: true }).fill('order')
  await shows(['Order Completed'], 'events are filtered by a part of their name')
  await page.getByRole('button', { name: 'Reset' }).click()
  await page.getByLabel('Text in payload').fill('spring')
  await shows(['Order Completed'], 'events are filtered by text in the payload')
  await page.getByRole('button', { name: 'Reset' }).click()
  await page.getByLabel('User').fill('user-2')
  await shows(['Pricing'], 'events are filtered by user')
  await track(server, 'Not Shown')
  await post(`${server.url}/v1/page`, { userId: 'user-2', name: 'Docs' })
  await shows(['Docs', 'Pricing'], 'new events are filtered')
  await page.close()
})

t.test('Pause holds new events back, and Resume shows them', async t => {
  const server = await startApp(t, { clock })
  const { page } = await openPage(browser, server.adminUrl)
  await track(server, 'Before')
  await page.locator('.row', { hasText: 'Before' }).waitFor()
  await page.getByRole('button', { name: 'Pause' }).click()
  await track(server, 'Meanwhile')
  await page.getByText('Paused: 1 new').waitFor()
  t.equal(await page.locator('.list .row').count(), 1, 'the new event is not shown')
  await page.keyboard.press('p')
  await page.locator('.row', { hasText: 'Meanwhile' }).waitFor()
  t.equal(await page.locator('.list .row').count(), 2)
  await page.close()
})

t.test('Search by messageId shows the journey of an event that is still in memory', async t => {
  const server = await startApp(t, { clock, sink: 'configured' })
  await track(server, 'Found Again', { messageId: 'find-me' })
  const { page } = await openPage(browser, server.adminUrl)
  // The key works after the page has loaded.
  const search = page.getByPlaceholder('Find a messageId')
  await search.waitFor()
  await until(
    async () => {
      await page.keyboard.press('/')
      return search.evaluate(input => input.matches(':focus'))
    },
    { what: 'the search field to get the focus' }
  )
  await page.keyboard.type('find-me')
  await page.keyboard.press('Enter')
  await page.locator('.journey').waitFor()
  const journey = await page.locator('.journey').innerText()
  for (const step of ['received', 'validated', 'enriched', 'published', 'answered']) t.match(journey, step)
  t.match(journey, /events\/\d{8}T\d{6}Z-\d{8}\.ndjson, line 1/)
  await page.getByRole('tab', { name: 'Raw JSON' }).click()
  t.match(await page.getByLabel('Event as published').innerText(), /"projectId": "web"/)
  await page.close()
})

t.test('Search by messageId finds an event that only the log on disk has', async t => {
  const server = await startApp(t, { clock, sink: 'configured' })
  await track(server, 'In The Log', { messageId: 'log-only' })
  await fetch(`${server.adminUrl}/api/events`, { method: 'DELETE' })
  const { page } = await openPage(browser, `${server.adminUrl}/#/trace/log-only`)
  await page.locator('.card', { hasText: 'In The Log' }).waitFor()
  const text = await page.locator('.trace').innerText()
  t.match(text, /Log on disk 1 found/)
  t.match(text, /events\/\d{8}T\d{6}Z-\d{8}\.ndjson, line 1/)
  await page.close()
})

t.test('Any content of a payload is shown as text and never run', async t => {
  const server = await startApp(t, { clock })
  const evil = `<script>alert(1)</script><img src=x onerror="alert(2)">`
  const { page, complaints } = await openPage(browser, server.adminUrl)
  await track(server, evil, {
    userId: evil,
    messageId: evil,
    properties: { [evil]: evil, html: '<svg onload=alert(3)>' }
  })
  await post(`${server.url}/v1/track`, { event: evil, context: { library: { name: evil, version: evil } } })
  const row = page.locator('.row.accepted')
  await row.waitFor()
  t.equal((await row.locator('.name').innerText()).trim(), evil, 'the name is shown unchanged')
  await row.click()
  for (const tab of ['SDK call', 'Fields', /Changes/, 'Raw JSON']) {
    await page.getByRole('tab', { name: tab }).click()
    await page.locator('[role=tabpanel] > *').first().waitFor()
  }
  await page.getByRole('link', { name: 'Rejections' }).click()
  await page.locator('.group').waitFor()
  await page.goto(`${server.adminUrl}/#/trace/${encodeURIComponent(evil)}`)
  await page.locator('.trace .card').first().waitFor()
  t.equal(await page.locator('script:not([src]), img[onerror], svg[onload]').count(), 0, 'no text became an element')
  t.strictSame(complaints, [], 'there was no dialog and no error')
  await page.close()
})

t.test('After a hundred thousand events the page has as many elements and rows as its limits allow', async t => {
  const server = await startApp(t, { clock })
  const { page } = await openPage(browser, server.adminUrl)
  await page.getByText('Live', { exact: true }).nth(1).waitFor()
  const batch = JSON.stringify({
    batch: Array.from({ length: 2500 }, (_, i) => ({ type: 'track', userId: 'u', event: `E${i}` }))
  })
  for (let i = 0; i < 40; i++) await post(`${server.url}/v1/batch`, batch)
  const shown = async (): Promise<number> =>
    Number(await page.locator('.list .row:not(.gap)').first().getAttribute('aria-setsize'))
  await page.locator('.row', { hasText: 'E2499' }).first().waitFor()
  // A slow machine skips more of them.
  while ((await shown()) <= 1_000) await post(`${server.url}/v1/batch`, batch)
  const elements = await page.locator('*').count()
  t.ok(elements < 1_500, `the page has ${elements} elements`)
  const rows = await shown()
  t.ok(rows <= 10_000, `the page keeps ${rows} rows`)
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('HeapProfiler.collectGarbage')
  const { usedSize } = await devtools.send('Runtime.getHeapUsage')
  t.ok(usedSize < 25 * 1024 * 1024, `the page uses ${(usedSize / 1024 ** 2).toFixed(1)} MiB of memory`)
  await page.close()
})

t.test('The sources page shows masked keys, sends a test event, and shows its journey', async t => {
  const server = await startApp(t, {
    clock,
    config: `sources: [{ id: web, name: Shop, writeKeys: [wk_aVeryLongWriteKeyForTheShop1] }]`
  })
  const { page, complaints } = await openPage(browser, `${server.adminUrl}/#/sources`)
  await page.getByText('Shop', { exact: true }).waitFor()
  await page.getByRole('button', { name: 'Send a test event' }).click()
  await page.locator('.test .journey').waitFor()
  t.match(await page.locator('.test').innerText(), /Answered 200/)
  t.equal(server.sink.records.length, 1)
  await page.getByText('First steps').click()
  t.match(
    await page.locator('.steps .code').innerText(),
    /<script src=[\s\S]*analytics\.page\(\)/,
    'the snippet equals that of README.md'
  )
  t.match(await page.locator('.steps .code').innerText(), new RegExp(server.url.replace('127.0.0.1', '[\\w.]+')))
  t.notMatch(await page.content(), 'wk_aVeryLongWriteKeyForTheShop1', 'the page does not contain the whole key')
  t.strictSame(complaints, [])
  await page.close()
})

t.test('The page works with the keyboard alone', async t => {
  const server = await startApp(t, { clock })
  for (const name of ['First', 'Second', 'Third']) await track(server, name)
  const { page } = await openPage(browser, server.adminUrl)
  await page.locator('.row', { hasText: 'Third' }).waitFor()
  await page.getByRole('listbox').focus()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowDown')
  t.equal(await page.locator('[role=option][aria-selected=true] .name').innerText(), 'Second')
  await page.getByRole('heading', { name: 'Second' }).waitFor()
  await page.keyboard.press('Escape')
  await page.locator('.detail').waitFor({ state: 'detached' })
  t.ok(true, 'Escape closes the event')
  await page.close()
})

t.test('With a password the page shows a login, keeps a strict cookie, and slows down guessing', async t => {
  const server = await startApp(t, { clock, env: { ADMIN_PASSWORD: 'right horse' } })
  const { page } = await openPage(browser, server.adminUrl)
  t.match(page.url(), /\/login$/)
  await page.getByLabel('Password').fill('wrong')
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('alert').waitFor()
  t.match(await page.getByRole('alert').innerText(), /not the password/)
  await page.getByLabel('Password').fill('right horse')
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('button', { name: 'Pause' }).waitFor()
  const [cookie] = await page.context().cookies()
  t.match(cookie, { name: 'tributary_session', httpOnly: true, sameSite: 'Strict', secure: false })
  await track(server, 'Only For Admins')
  await page.locator('.row', { hasText: 'Only For Admins' }).waitFor()
  await page.getByRole('button', { name: 'Log out' }).click()
  await page.getByLabel('Password').waitFor()
  for (let i = 0; i < 9; i++) {
    await fetch(`${server.adminUrl}/login`, { method: 'POST', body: new URLSearchParams({ password: KEY }) })
  }
  await page.getByLabel('Password').fill('right horse')
  await page.getByRole('button', { name: 'Log in' }).click()
  t.match(await page.getByRole('alert').innerText(), /Too many wrong passwords/)
  await page.close()
})

t.test('The stream goes back to the oldest kept event, and a trace can be opened by any of its addresses', async t => {
  const server = await startApp(t, { clock })
  for (let i = 0; i < 7; i++) {
    const batch = Array.from({ length: 100 }, (_, at) => ({ type: 'track', userId: 'u', event: `E${i * 100 + at}` }))
    await post(`${server.url}/v1/batch`, { batch })
  }
  const { page, complaints } = await openPage(browser, server.adminUrl)
  await page.locator('.row', { hasText: 'E699' }).waitFor()
  const list = page.locator('.list')
  await until(
    async () => {
      await list.evaluate(element => element.scrollTo(0, element.scrollHeight))
      return (await page.locator('.list .row .name').allInnerTexts()).includes('E0')
    },
    { what: 'the oldest event', timeoutMs: 30_000 }
  )
  await page.goto(`${server.adminUrl}/#/trace/%ED%A0%80z`)
  await page.getByText('No event with this id is known here').waitFor()
  await page.goto(`${server.adminUrl}/#/trace/`)
  await page.getByText('Type a messageId above').waitFor()
  await page.getByRole('link', { name: 'Overview' }).click()
  await page.getByText('Events a second by outcome').first().waitFor()
  t.strictSame(complaints, [])
  await page.close()
})
