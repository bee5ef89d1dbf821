/**
 * `npm run images`: starts a server in its own folder, sends a shop's events to it for a while, and writes the
 * screenshots of docs/images. Needs Chromium. With a folder as argument, writes them there, and screenshots of narrow
 * windows too.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { chromium, type Page } from 'playwright-core'
import { withServer } from '../test/support/script-server.ts'

const ROOT = join(import.meta.dirname, '..')
const SECONDS = 60
const EVENTS_A_REQUEST = 4
const TICK_MS = 500
const WIDE = { width: 1360, height: 820 }
const NARROW = [
  { width: 360, height: 740 },
  { width: 768, height: 1000 }
]
const SOURCES = ['web', 'ios', 'billing'] as const
const NAMES = ['Signed Up', 'Product Viewed', 'Product Added', 'Checkout Started', 'Order Completed', 'Coupon Applied']
const PAGES = { live: '/#/', rejections: '/#/rejections', overview: '/#/overview', sources: '/#/sources' }

const out = process.argv[2]
const folder = out ?? join(ROOT, 'docs', 'images')
mkdirSync(folder, { recursive: true })
const config = `sources:\n${SOURCES.map(id => `  - { id: ${id}, writeKeys: [${keyOf(id)}] }\n`).join('')}`
await withServer({ config }, async ({ url, adminUrl }) => {
  const over = new AbortController()
  const sending = sendEvents(url, over.signal)
  await sleep(SECONDS * 1_000)
  await shoot(adminUrl)
  over.abort()
  await sending
})

function keyOf(source: string): string {
  return `wk_${source}4Example7Write2Key9`
}

async function sendEvents(url: string, over: AbortSignal): Promise<void> {
  for (let sent = 0; !over.aborted; sent += EVENTS_A_REQUEST) {
    for (const [index, source] of SOURCES.entries()) {
      const batch = Array.from({ length: EVENTS_A_REQUEST }, (_, at) => eventOf(sent * 13 + at * 3 + index * 101))
      const headers = {
        'content-type': 'application/json',
        authorization: `Basic ${Buffer.from(`${keyOf(source)}:`).toString('base64')}`
      }
      await (await fetch(`${url}/v1/batch`, { method: 'POST', headers, body: JSON.stringify({ batch }) })).text()
    }
    await sleep(TICK_MS)
  }
}

function eventOf(n: number): object {
  const user = { userId: `user-${1_000 + (n % 300)}`, messageId: `ajs-next-${1_795_000_000_000 + n}` }
  const context = { library: { name: n % 3 === 0 ? 'analytics.js' : '@segment/analytics-node', version: '2.1.0' } }
  if (n % 11 === 0) return { ...user, context, type: 'identify', traits: { plan: 'pro' } }
  if (n % 13 === 0) return { ...user, context, type: 'page', name: 'Pricing' }
  if (n % 29 === 0) return { context, type: 'track', event: 'Order Completed', messageId: user.messageId }
  const properties = n % 31 === 0 ? 'SPRING' : { order_id: 12_000 + n, total: 19.99, currency: 'EUR', coupon: 'SPRING' }
  return { ...user, context, type: 'track', event: NAMES[n % NAMES.length], properties }
}

async function shoot(url: string): Promise<void> {
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const viewport of out === undefined ? [WIDE] : [WIDE, ...NARROW]) {
      const page = await browser.newPage({ viewport, colorScheme })
      const suffix = viewport === WIDE ? colorScheme : `${colorScheme}-${viewport.width}`
      for (const [name, path] of Object.entries(PAGES)) {
        await page.goto(url + path)
        await sleep(TICK_MS * 2)
        await write(page, `${name}-${suffix}`)
        if (name !== 'live') continue
        await page.locator('.row.accepted').first().click()
        await page.locator('.detail').waitFor()
        await sleep(TICK_MS)
        await write(page, `event-${suffix}`)
      }
      await page.close()
    }
  }
  await browser.close()
}

async function write(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: join(folder, `${name}.png`) })
}
