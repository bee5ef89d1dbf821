import type { Browser, Page } from 'playwright-core'
import { chromium } from 'playwright-core'
import type { Test } from 'tap'

/** A real browser; closed when the test ends. */
export async function startBrowser(t: Test): Promise<Browser> {
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
  t.teardown(() => browser.close())
  return browser
}

export interface OpenPage {
  readonly page: Page
  /** The errors of the page, and what its security policy refused. */
  readonly complaints: string[]
}

const TIMEOUT_MS = 60_000

/** Opens an address in a new page, with a timeout of a minute for all waits. */
export async function openPage(browser: Browser, url: string): Promise<OpenPage> {
  const page = await browser.newPage()
  page.setDefaultTimeout(TIMEOUT_MS)
  const complaints: string[] = []
  page.on('pageerror', error => complaints.push(error.message))
  page.on('console', message => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  page.on('dialog', dialog => {
    complaints.push(`a dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  await page.goto(url)
  return { page, complaints }
}

/** As `openPage`, and closes the page when the test ends. */
export async function openClosingPage(t: Test, browser: Browser, url: string): Promise<Page> {
  const { page } = await openPage(browser, url)
  t.teardown(() => page.close())
  return page
}
