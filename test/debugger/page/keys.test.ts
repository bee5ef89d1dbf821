/** The page's keyboard shortcuts, the copied test assertion, and narrow windows. */
import assert from 'node:assert/strict'
import { runInThisContext } from 'node:vm'
import t from 'tap'
import type { Test } from 'tap'
import type { Page } from 'playwright-core'
import { createCollector } from '../../../examples/collector/collector.ts'
import { openClosingPage, startBrowser } from '../../support/admin.ts'
import { postUntilTaken as post, startApp } from '../../support/app.ts'
import type { TestApp } from '../../support/app.ts'

const clock = { now: Date.now, monotonic: () => performance.now() }
const browser = await startBrowser(t)

const open = (t: Test, { adminUrl }: TestApp, hash = ''): Promise<Page> =>
  openClosingPage(t, browser, `${adminUrl}/${hash}`)

const track = ({ url }: TestApp, event: object) => post(`${url}/v1/track`, { userId: 'u', ...event })

t.test(
  '? opens a list of keyboard shortcuts, Escape closes only this list, and the shortcuts do nothing behind it',
  async t => {
    const server = await startApp(t, { clock })
    await track(server, { event: 'Signed Up' })
    const page = await open(t, server)
    await page.locator('.list .row').click()
    await page.getByRole('heading', { name: 'Signed Up' }).waitFor()
    await page.keyboard.press('?')
    const sheet = page.getByRole('dialog', { name: 'Keys' })
    await sheet.waitFor()
    t.match(await sheet.innerText(), /p\s+pause, and go on[\s\S]*End\s+the newest and the oldest event/)
    await page.keyboard.press('p')
    t.equal(await page.locator('.state.paused').count(), 0, 'the stream is not paused behind the list')
    await page.keyboard.press('Escape')
    await sheet.waitFor({ state: 'hidden' })
    t.ok(await page.getByRole('heading', { name: 'Signed Up' }).isVisible(), 'the event is still open')
    await page.getByRole('button', { name: 'Keys' }).click()
    await sheet.getByRole('button', { name: 'Close' }).click()
    await sheet.waitFor({ state: 'hidden' })
    await page.getByLabel('User', { exact: true }).fill('')
    await page.keyboard.type('what?')
    t.equal(await sheet.isVisible(), false, 'a question mark in a text field opens no list')
  }
)

/** The part of Jest's interface that the copied lines need. */
const expect = Object.assign(
  (value: unknown) => ({
    toMatchObject: (wanted: object) => assert.partialDeepStrictEqual(value, wanted),
    toContainEqual: (isMatch: (one: unknown) => boolean) =>
      assert.ok((value as unknown[]).some(isMatch), 'no such event')
  }),
  {
    objectContaining: (wanted: object) => (one: unknown) => {
      try {
        assert.partialDeepStrictEqual(one, wanted)
        return true
      } catch {
        return false
      }
    }
  }
)

t.test('an event can be copied as an assertion, which matches this event and no other', async t => {
  const server = await startApp(t, { clock })
  const collector = createCollector({ adminUrl: server.adminUrl })
  const run = (text: string): Promise<void> =>
    (runInThisContext(`(async (collector, expect) => { ${text} })`) as (...args: unknown[]) => Promise<void>)(
      collector,
      expect
    )
  const page = await open(t, server)
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  const properties = { total: 1.5, 'a-b': "it's \\ \n", items: [{ n: 1 }, null], '': true }
  const cases = [
    ['track', { event: `Order 'quoted' \\ Completed`, properties }],
    ['page', { name: 'Pricing', properties }],
    ['identify', { traits: { plan: 'free' } }]
  ] as const
  for (const [type, event] of cases) {
    await collector.clear()
    await post(`${server.url}/v1/${type}`, { userId: `u-${type}`, ...event })
    await page
      .locator('.list .row', { hasText: `u-${type}` })
      .first()
      .click()
    await page.getByText(`'u-${type}'`).first().waitFor()
    await page.getByRole('button', { name: 'Copy as test assertion' }).click()
    await page.getByText('Copied').waitFor()
    const text = await page.evaluate<string>('navigator.clipboard.readText()')
    t.notMatch(text, `u-${type}`, 'the assertion has no id that differs between runs')
    await t.resolves(run(text), text)
    await t.rejects(run(text.replace(/1\.5|'free'/, '2')), 'the assertion does not match another value')
  }
})
