/** The address of the page shows what is open, and copied texts can be used elsewhere. */
import t from 'tap'
import type { Test } from 'tap'
import type { Page } from 'playwright-core'
import { openClosingPage, startBrowser } from '../../support/admin.ts'
import { run } from '../../cli/run.ts'
import { post, startApp } from '../../support/app.ts'
import type { TestApp } from '../../support/app.ts'
import { until } from '../../support/until.ts'

const clock = { now: Date.now, monotonic: () => performance.now() }
const TIMEOUT_MS = 60_000
const browser = await startBrowser(t)

const open = (t: Test, { adminUrl }: TestApp, hash = ''): Promise<Page> =>
  openClosingPage(t, browser, `${adminUrl}/${hash}`)

const track = ({ url }: TestApp, event: object) => post(`${url}/v1/track`, { userId: 'u', ...event })

async function shows(page: Page, wanted: readonly string[]): Promise<void> {
  const names = () => page.locator('.list .row .name').allInnerTexts()
  const isShown = async () => (await names()).map(text => text.split(/\s{2}|\n/)[0]?.trim()).join() === wanted.join()
  await until(isShown, { what: wanted.join(), timeoutMs: TIMEOUT_MS })
}

t.test('A link shows the same filters and the same open event to another person', async t => {
  const server = await startApp(t, { clock })
  await track(server, { event: 'Signed Up' })
  await track(server, { event: 'Order Completed' })
  const page = await open(t, server)
  await page.getByLabel('Event', { exact: true }).first().fill('Order')
  await shows(page, ['Order Completed'])
  await page.locator('.list .row').click()
  await page.getByRole('heading', { name: 'Order Completed' }).waitFor()
  const link = page.url()
  t.match(link, /#\/live\?event=\*Order\*&seq=\d+$|#\/live\?event=%2AOrder%2A&seq=\d+$/)
  const other = await open(t, server, new URL(link).hash)
  await shows(other, ['Order Completed'])
  await other.getByRole('heading', { name: 'Order Completed' }).waitFor()

  await other.getByRole('link', { name: 'Overview' }).click()
  await other.getByRole('link', { name: 'Live' }).click()
  await shows(other, ['Order Completed'])
  await other.getByRole('button', { name: 'Reset' }).click()
  await shows(other, ['Order Completed', 'Signed Up'])
  t.notMatch(other.url(), /Order/)
})

t.test('An invalid address shows the live stream', async t => {
  const server = await startApp(t, { clock })
  await track(server, { event: 'Signed Up' })
  for (const hash of ['#/nowhere?x=1', '#/live?seq=1e9&outcome=', '#//', '#?outcome']) {
    await shows(await open(t, server, hash), ['Signed Up'])
  }
})

t.test('Skip to content stays on the page', async t => {
  const server = await startApp(t, { clock })
  const page = await open(t, server, '#/overview')
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  const focused = (): Promise<string | undefined> => page.evaluate('document.activeElement?.id')
  await until(async () => (await focused()) === 'main', {
    what: 'the content to have the focus',
    timeoutMs: TIMEOUT_MS
  })
  t.match(page.url(), /#\/overview$/)
  t.ok(await page.getByRole('heading', { name: 'Overview' }).isVisible())
})

t.test('An event can be copied as a curl line, and this line sends the event', async t => {
  const server = await startApp(t, { clock })
  await track(server, {
    event: "It's 5 o'clock",
    properties: { price: 12345678901234567890n.toString(), text: '$HOME `id` "x"' }
  })
  const page = await open(t, server)
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  await page.locator('.list .row').click()
  await page.getByRole('button', { name: 'Copy as curl' }).click()
  await page.getByText('Copied').waitFor()
  const line = await page.evaluate<string>('navigator.clipboard.readText()')
  t.notMatch(line, /wk_test/, 'the line contains no key')
  const sent = await run('sh', ['-c', `${line} -s`], { cwd: '/', env: { WRITE_KEY: 'wk_test' } })
  t.equal(sent.stdout, '{"success":true}')
  const [first, second] = server.sink.records.map(
    ({ line: text }) => JSON.parse(String(text)) as { properties: object }
  )
  t.same(second?.properties, first?.properties)
})

t.test('Before the first event the page shows the line that sends one', async t => {
  const server = await startApp(t, { clock })
  const page = await open(t, server)
  const line = await page.getByLabel('A first event').innerText()
  t.match(line, `${new URL(server.url).port}/v1/track`)
  const usable = line.replace('WRITE_KEY', 'wk_test')
  t.equal((await run('sh', ['-c', `${usable} -s`], { cwd: '/' })).stdout, '{"success":true}')
  await shows(page, ['Signed Up'])
  t.equal(await page.getByLabel('A first event').count(), 0)
})

t.test('Times have 24 hours in every locale', async t => {
  const server = await startApp(t, {
    clock: { now: () => Date.UTC(2026, 10, 23, 0, 5, 7), monotonic: () => performance.now() }
  })
  await track(server, { event: 'Signed Up' })
  for (const locale of ['en-US', 'ar-EG', 'de-DE']) {
    const context = await browser.newContext({ locale, timezoneId: 'UTC' })
    t.teardown(() => context.close())
    const page = await context.newPage()
    await page.goto(server.adminUrl)
    t.equal(await page.locator('.list .row .time').innerText({ timeout: TIMEOUT_MS }), '00:05:07.000', locale)
  }
})

t.test('The page Audit shows who did what', async t => {
  const server = await startApp(t, { clock, sink: 'configured' })
  const page = await open(t, server)
  await page.getByRole('button', { name: 'Clear' }).click()
  await page.getByRole('link', { name: 'Audit' }).click()
  await page.getByRole('cell', { name: 'the debugger was cleared' }).waitFor()
  t.ok(true)
})
