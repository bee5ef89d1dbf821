/** In windows of 320 px and more, everything can be reached, and the labels of plots can be read. */
import t from 'tap'
import type { Test } from 'tap'
import type { Page } from 'playwright-core'
import { openClosingPage, startBrowser } from '../../support/admin.ts'
import { postUntilTaken as post, startApp } from '../../support/app.ts'
import type { TestApp } from '../../support/app.ts'
import { until } from '../../support/until.ts'

const clock = { now: Date.now, monotonic: () => performance.now() }
const WIDTHS = [320, 360, 768, 1300]
const TIMEOUT_MS = 60_000
const browser = await startBrowser(t)

/** The parts of the page that cannot be reached: they are outside the window, and no element around them scrolls. */
const OUT_OF_REACH = `[...document.querySelectorAll('a, button, input, select, summary, h1, h2, .row:not(.head) .name')]
  .filter(element => element.checkVisibility() && !element.closest('.skip'))
  .filter(element => {
    const { left, right, width } = element.getBoundingClientRect()
    for (let box = element.parentElement; box !== null; box = box.parentElement)
      if (box.scrollWidth > box.clientWidth && getComputedStyle(box).overflowX.match(/auto|scroll/)) return false
    return width === 0 || left < -1 || right > innerWidth + 1
  })
  .map(element => element.tagName + ' ' + (element.innerText || element.getAttribute('aria-label')))`

async function fits(t: Test, page: Page, what: string): Promise<void> {
  t.strictSame(await page.evaluate(OUT_OF_REACH), [], `${what}: every element is in the window`)
  const excess = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
  t.ok(Number(excess) <= 0, `${what}: the page does not scroll sideways`)
}

async function fill({ url }: TestApp): Promise<void> {
  await post(`${url}/v1/track`, { userId: 'u', event: 'Order Completed With A Rather Long Name', messageId: 'm-1' })
  await post(`${url}/v1/track`, { event: 'Nobody' })
  await post(`${url}/v1/identify`, { userId: 'u' })
}

t.test('Every page fits into a window of 320 px, and rows have labels', async t => {
  const server = await startApp(t, { clock })
  await fill(server)
  for (const width of WIDTHS) {
    const page = await openClosingPage(t, browser, server.adminUrl)
    await page.setViewportSize({ width, height: 800 })
    await page.locator('.list .row').nth(2).waitFor()
    for (const row of await page.locator('.list .row').all()) {
      for (const part of ['.time', '.outcome', '.name']) {
        const box = await row.locator(part).boundingBox()
        t.ok(
          box !== null && box.width >= 40 && box.x >= 0 && box.x + box.width <= width,
          `${width}: ${part} is visible`
        )
      }
    }
    const nameless = page.locator('.list .row', { hasText: 'identify' })
    t.match(await nameless.innerText(), /identify/, `${width}: a row without a name shows its type`)
    await fits(t, page, `${width}: live`)
    const shot = (name: string): Promise<unknown> =>
      process.env['SHOTS'] === undefined
        ? Promise.resolve()
        : page.screenshot({ path: `${process.env['SHOTS']}/${name}-${width}.png` })
    await shot('live')
    await page.locator('.list .row', { hasText: 'Order Completed' }).click()
    const detail = page.locator('.detail')
    await detail.getByRole('button', { name: 'Copy as test assertion' }).waitFor()
    await fits(t, page, `${width}: an open event`)
    const box = await detail.boundingBox()
    if (width <= 800) t.match(box, { x: 0, y: 0, width, height: 800 }, `${width}: an open event covers the window`)
    else t.ok(Number(box?.x) > 300, `${width}: an open event is next to the list`)
    await shot('event')
    await page.getByRole('button', { name: 'Close (Escape)' }).click()
    await detail.waitFor({ state: 'detached' })
    await page.keyboard.press('?')
    await page.getByRole('dialog').waitFor()
    await fits(t, page, `${width}: the list of keyboard shortcuts`)
    await shot('keys')
    await page.keyboard.press('Escape')
    for (const name of ['Rejections', 'Violations', 'Catalogue', 'Overview', 'Sources', 'Audit']) {
      await page.getByRole('link', { name, exact: true }).click()
      await page.getByRole('heading', { name, level: 1 }).waitFor()
      await fits(t, page, `${width}: ${name}`)
      await shot(name)
    }
    await page.reload()
    const current = page.getByRole('link', { name: 'Audit', exact: true })
    const isInView = async (): Promise<boolean> => {
      const link = await current.boundingBox()
      return link !== null && link.x >= 0 && link.x + link.width <= width
    }
    await until(isInView, { what: 'the current entry of the navigation to be visible', timeoutMs: TIMEOUT_MS })
    await page.close()
  }
})

interface Label {
  readonly text: string
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
}

/** Records each text that is now on a canvas, with its box in pixels of the canvas. */
const NOTE_TEXTS = `
const { fillText, clearRect } = CanvasRenderingContext2D.prototype
CanvasRenderingContext2D.prototype.clearRect = function (...box) {
  this.canvas.labels = []
  return clearRect.apply(this, box)
}
CanvasRenderingContext2D.prototype.fillText = function (text, x, y, ...more) {
  const { actualBoundingBoxLeft, actualBoundingBoxRight, actualBoundingBoxAscent, actualBoundingBoxDescent } = this.measureText(text)
  const { e, f } = this.getTransform()
  const box = { left: e + x - actualBoundingBoxLeft, right: e + x + actualBoundingBoxRight, top: f + y - actualBoundingBoxAscent, bottom: f + y + actualBoundingBoxDescent }
  ;(this.canvas.labels ??= []).push({ text, ...box })
  return fillText.call(this, text, x, y, ...more)
}`

function overlaps(labels: readonly Label[]): string[] {
  return labels.flatMap((one, at) =>
    labels
      .slice(at + 1)
      .filter(two => one.left < two.right && two.left < one.right && one.top < two.bottom && two.top < one.bottom)
      .map(two => `${one.text} on ${two.text}`)
  )
}

t.test(
  'Labels of axes do not overlap and are not cut off, for seconds and hours, and for small and large numbers',
  async t => {
    const server = await startApp(t, { clock })
    await fill(server)
    const page = await openClosingPage(t, browser, `${server.adminUrl}/#/live`)
    await page.addInitScript(NOTE_TEXTS)
    let [count, everyMs, factor] = [2, 5_000, 1]
    await page.route('**/api/overview*', async route => {
      const answer = (await (await route.fetch()).json()) as { points: object[] }
      const now = Date.now()
      const points = Array.from({ length: count }, (_, at) => ({
        at: now - (count - 1 - at) * everyMs,
        seconds: 5,
        outcomes: {
          accepted: at * factor,
          duplicate: 0,
          rejected: 1,
          rate_limited: 0,
          failed: 0,
          filtered: 0,
          suppressed: 0
        },
        sources: { web: at * factor },
        publishMs: { p50: 1.5 * factor, p99: 99.5 * factor },
        backlogBytes: 12_345 * factor,
        dedupeIds: 1_234_567 * factor,
        refusedRequests: 1
      }))
      await route.fulfill({ json: { ...answer, points, next: null } })
    })
    for (const [points, ms, times] of [
      [2, 5_000, 1],
      [20, 5_000, 1_000],
      [700, 5_000, 1_000_000]
    ] as const) {
      ;[count, everyMs, factor] = [points, ms, times]
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 800 })
        await page.goto(`${server.adminUrl}/?${points}-${width}#/overview`)
        await page.locator('.plot canvas').nth(5).waitFor()
        const read = (): Promise<{ labels?: readonly Label[]; width: number; height: number }[]> =>
          page.evaluate(
            "[...document.querySelectorAll('.plot canvas')].map(({ labels, width, height }) => ({ labels, width, height }))"
          )
        await until(async () => (await read()).every(({ labels = [] }) => labels.length > 2), {
          what: 'the labels',
          timeoutMs: TIMEOUT_MS
        })
        for (const { labels = [], width: wide, height } of await read()) {
          t.strictSame(overlaps(labels), [], `${points} points, ${width} px: no label overlaps another`)
          const cut = labels.filter(
            ({ left, right, top, bottom }) => left < 0 || right > wide || top < 0 || bottom > height
          )
          t.strictSame(cut, [], `${points} points, ${width} px: no label is cut off`)
        }
        if (process.env['SHOTS'] !== undefined)
          await page.screenshot({ path: `${process.env['SHOTS']}/plots-${points}-${width}.png` })
      }
    }
  }
)
