import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import t from 'tap'
import type { Test } from 'tap'
import { basic, KEY, postUntilTaken as post, startApp } from '../../support/app.ts'
import type { TestApp } from '../../support/app.ts'
import { openPage, startBrowser } from '../../support/admin.ts'

const WIDTHS = [360, 768, 1300]
const clock = { now: Date.now, monotonic: () => performance.now() }
const browser = await startBrowser(t)

const ORDER = {
  type: 'object',
  properties: { id: { type: 'string' }, total: { type: 'number' }, seats: { type: 'integer' } },
  required: ['id']
}
const PLAN = {
  name: 'Shop',
  rules: [{ type: 'track', event: 'Order Completed', schema: { properties: { properties: ORDER } } }]
}

/** A server whose source `web` has the plan, and privacy rules; `free` has no plan. */
async function start(t: Test): Promise<TestApp> {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-plan-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const plan = join(folder, 'plan.json')
  writeFileSync(plan, JSON.stringify(PLAN))
  const config = `
sources:
  - id: web
    writeKeys: [${KEY}]
    privacy: { ip: truncate, drop: [properties.card] }
  - { id: free, writeKeys: [wk_free], plan: null }
suppress: { users: [gone] }
plan:
  file: ${plan}
  enforce: { unplannedEvents: block, unplannedProperties: omit, violations: report }
`
  return startApp(t, { config, clock })
}

const AS_FREE = { authorization: basic('wk_free') }
const library = (name: string) => ({ library: { name, version: '1.0' } })

async function track({ url }: TestApp, event: string, more: object = {}): Promise<void> {
  const { status } = await post(`${url}/v1/track`, { userId: 'u', event, context: library('analytics.js'), ...more })
  if (status !== 200) throw new Error(`the event was answered ${status}`)
}

/** At each width no element of the page is wider than the window. */
async function fitsEverywhere(t: Test, page: Page): Promise<void> {
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 800 })
    const tooWide = await page.evaluate(
      `[...document.querySelectorAll('main, main *')].filter(e => e.scrollWidth > e.clientWidth + 1 &&
        getComputedStyle(e).overflowX !== 'hidden' && e.clientWidth > 0).map(e => e.tagName + '.' + e.className)`
    )
    t.strictSame(tooWide, [], `no text is cut off at ${width} px`)
    t.equal(await page.evaluate('document.documentElement.scrollWidth'), width, `the page is ${width} px wide`)
  }
}

t.test(
  'Violations are listed by event, property and kind, with the SDKs and a link to the journey of a sample',
  async t => {
    const server = await start(t)
    const { page, complaints } = await openPage(browser, `${server.adminUrl}/#/violations`)
    await page.getByText('Nothing differs from a tracking plan').waitFor()
    const properties = { id: '1', total: 'much', aPropertyWithAVeryLongNameThatNobodyHasPlanned: 1 }
    await track(server, 'Order Completed', { messageId: 'first-sample', properties })
    await track(server, 'Order Completed', { messageId: 'm2', properties: {}, context: library('analytics-go') })
    await track(server, 'Nobody Planned This', { messageId: 'm3' })
    const group = page.locator('.group', { hasText: 'Order Completed' })
    const total = group.locator('tr', { hasText: 'properties.total' })
    await total.waitFor()
    t.match(
      await total.innerText(),
      /Invalid Type[\s\S]*Expected: number, given: string\s+reported[\s\S]*analytics\.js 1\.0 \(1\)/
    )
    t.match(await group.locator('tr', { hasText: 'NobodyHasPlanned' }).innerText(), /Unplanned Property[\s\S]*left out/)
    await group.locator('tr', { hasText: 'analytics-go 1.0' }).getByText('Required').waitFor()
    const unplanned = page.locator('.group', { hasText: 'Nobody Planned This' })
    await unplanned.getByText('Unplanned Event').waitFor()
    await unplanned.getByText('event blocked').waitFor()
    await fitsEverywhere(t, page)

    await page.getByLabel('Event or property').fill('total')
    await page.locator('.group', { hasText: 'Nobody Planned This' }).waitFor({ state: 'detached' })
    t.equal(await page.locator('.differences tbody tr').count(), 1, 'the filter shows only matching rows')
    await page.getByLabel('Event or property').fill('')
    await page.getByLabel('Kind').selectOption('unplanned event')
    await group.waitFor({ state: 'detached' })
    await page.getByLabel('Kind').selectOption('')
    await total.getByRole('link', { name: 'first-sample' }).click()
    await page.locator('.journey').waitFor()
    t.match(
      await page.locator('.journey').innerText(),
      /plan_omit: left out 1: [\s\S]*; reported: properties\.total \(Invalid Type\)/
    )
    t.strictSame(complaints, [])
    await page.close()
  }
)

t.test('The journey of an event shows what each rule changed', async t => {
  const server = await start(t)
  await track(server, 'Order Completed', { messageId: 'cut', properties: { id: '1', card: '4242', extra: 1 } })
  await track(server, 'Nobody Planned This', { messageId: 'blocked' })
  await track(server, 'Order Completed', { messageId: 'gone-1', userId: 'gone', properties: { id: 'secret' } })
  const { page } = await openPage(browser, `${server.adminUrl}/#/trace/cut`)
  const journey = async (id: string): Promise<string> => {
    await page.goto(`${server.adminUrl}/#/trace/${id}`)
    await page.locator('h1', { hasText: id }).waitFor()
    await page.locator('.journey').waitFor()
    return page.locator('.trace').innerText()
  }
  const cut = await journey('cut')
  t.match(cut, /drop: [^\n]*properties\.card/, 'the journey names the member that the privacy rule drops')
  t.match(cut, /plan_omit: [^\n]*properties\.extra/, 'the journey names the property that the plan omits')
  t.match(await journey('blocked'), /filtered[\s\S]*plan_block[\s\S]*filtered: its tracking plan blocks it/)
  const { events } = (await (await fetch(`${server.adminUrl}/api/events?outcome=suppressed&detail=true`)).json()) as {
    events: object[]
  }
  t.match(JSON.stringify(events), /suppress: one of its ids is on the suppression list/)
  t.notMatch(JSON.stringify(events), 'secret')
  await page.close()
})

t.test('The page Rejections says that no event was rejected, and where events are that a plan blocked', async t => {
  const server = await start(t)
  await track(server, 'Nobody Planned This')
  const { page } = await openPage(browser, `${server.adminUrl}/#/rejections`)
  await page.getByText('No event was rejected.').waitFor()
  await page.getByText('1 event was filtered on purpose').waitFor()
  await fitsEverywhere(t, page)
  await page.locator('main').getByRole('link', { name: 'Violations' }).click()
  await page.locator('.group', { hasText: 'Nobody Planned This' }).waitFor()
  await page.close()
})

t.test('The catalogue lists the accepted events, and each opens to its properties, types and presence', async t => {
  const server = await start(t)
  const { page, complaints } = await openPage(browser, `${server.adminUrl}/#/catalogue`)
  await page.getByText('No event was taken yet').waitFor()
  for (let i = 0; i < 4; i++) {
    const properties = {
      id: i === 0 ? 7 : 'a',
      ...(i < 2 ? { total: 1.5 + i / 2 } : {}),
      'a/b': { 'c~d': [{ sku: 's' }] }
    }
    await post(`${server.url}/v1/track`, { userId: 'u', event: 'Seat/Chosen', properties }, AS_FREE)
  }
  await post(`${server.url}/v1/page`, { userId: 'u', name: 'Pricing' }, AS_FREE)
  await track(server, 'Order Completed', { properties: { id: '1' } })
  const chosen = page.locator('.seen-event', { hasText: 'Seat/Chosen' })
  await chosen.getByText('4 events').waitFor()
  await chosen.getByRole('button').click()
  const row = (name: string) => chosen.locator('.properties tbody tr', { hasText: name })
  await row('properties.id').waitFor()
  t.match(await row('properties.id').innerText(), /string 75 %, integer 25 %\s+100 %/)
  t.match(await row('properties.total').innerText(), /number\s+50 %/)
  t.match(await row('properties.a/b.c~d.[].sku').innerText(), /string\s+100 %/)
  t.match(await chosen.innerText(), /Sent by unknown \(4\)/)
  await fitsEverywhere(t, page)
  await page.getByLabel('Source').selectOption('web')
  await chosen.waitFor({ state: 'detached' })
  t.match(await page.locator('.seen-event').allInnerTexts(), [/Order Completed/])
  await page.getByLabel('Source').selectOption('')
  await page.getByLabel('Event name').fill('pric')
  await page.locator('.seen-event', { hasText: 'Order Completed' }).waitFor({ state: 'detached' })
  t.match(await page.locator('.seen-event').allInnerTexts(), [/Pricing/])
  t.strictSame(complaints, [])
  await page.close()
})

t.test('The pages show any names of events and properties as text, and fit them', async t => {
  const server = await start(t)
  const evil = `<img src=x onerror="alert(1)">${'very-long-'.repeat(15)}`
  await track(server, 'Order Completed', {
    messageId: evil.slice(0, 100),
    context: library(evil),
    properties: { [evil]: 1 }
  })
  await track(server, 'Order Completed', {
    messageId: '%',
    event: evil,
    properties: { [evil]: 1 },
    context: library(evil)
  })
  await post(`${server.url}/v1/track`, { userId: 'u', event: '\ud800', properties: { x: 1 } }, AS_FREE)
  await post(`${server.url}/v1/track`, { userId: 'u', event: evil, properties: { [evil]: 1 } }, AS_FREE)
  const { page, complaints } = await openPage(browser, `${server.adminUrl}/#/violations`)
  await page.locator('.group', { hasText: 'Order Completed' }).waitFor()
  await fitsEverywhere(t, page)
  await page.getByRole('link', { name: 'Catalogue' }).click()
  const entry = page.locator('.seen-event', { hasText: evil }).filter({ hasText: 'free' })
  await entry.getByRole('button').click()
  await entry.locator('.properties').waitFor()
  await fitsEverywhere(t, page)
  await page.locator('.seen-event', { hasText: 'free' }).filter({ hasNotText: evil }).getByRole('button').click()
  await page.locator('.properties', { hasText: 'properties.x' }).waitFor()
  t.equal(await page.locator('main img').count(), 0, 'no name became an element')
  t.strictSame(complaints, [])
  await page.close()
})
