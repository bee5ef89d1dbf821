import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page } from 'playwright-core'
import { chromium } from 'playwright-core'
import { npmVersion } from './npm-version.ts'
import type { SdkRun, SdkTarget } from './run.ts'

const EXECUTABLE = '/usr/bin/chromium'
const NAME = '@segment/analytics-next'

export interface Visit {
  readonly page: Page
  /** The page's own address. */
  readonly site: string
  /** Every URL that the browser requested. */
  readonly asked: readonly string[]
}

/** Opens a page of another origin than the server's, in a real browser. */
export async function visit(html: string, query: string, work: (visit: Visit) => Promise<void>): Promise<void> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(html)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const site = `http://localhost:${(server.address() as AddressInfo).port}/`
  const browser = await chromium.launch({ executablePath: EXECUTABLE, args: ['--no-sandbox', '--disable-gpu'] })
  try {
    const page = await browser.newPage()
    const asked: string[] = []
    page.on('request', request => asked.push(request.url()))
    await page.goto(site + query)
    await work({ page, site, asked })
  } finally {
    await browser.close()
    server.closeAllConnections()
    server.close()
  }
}

/** The calls of the page to an SDK with the name `analytics`, however it was installed. */
export function calls(marker: string): string {
  return `
    analytics.identify('browser-user-ü', { marker: '${marker}-identify' })
    analytics.track('Signed Up', { marker: '${marker}-track' })
    analytics.page('Docs', 'Home', { marker: '${marker}-page' })
    analytics.screen('Start', { marker: '${marker}-screen' })
    analytics.group('group-1', { marker: '${marker}-group' })
    analytics.alias('browser-user-ü', '${marker}-alias')`
}

/** The script tag, with calls after it; `before` is the page's own setup. */
export function pageWithTag(
  { url, writeKey }: Pick<SdkTarget, 'url' | 'writeKey'>,
  script: string,
  before = ''
): string {
  return `<!doctype html><title>Shop ü</title>
<script>${before}</script>
<script src="${url}/analytics.js/v1/${writeKey}/analytics.min.js"></script>
<script>${script}</script>`
}

const BATCHING = {
  integrations: { 'Segment.io': { deliveryStrategy: { strategy: 'batching', config: { timeout: 1_000 } } } }
}

/** Segment's snippet (version 5.2.0), with its host changed. */
function pageWithSnippet({ url, writeKey }: SdkTarget, script: string): string {
  return `<!doctype html><title>Shop ü</title>
<script>
!function(){var i="analytics",analytics=window[i]=window[i]||[];if(!analytics.initialize)if(analytics.invoked)window.console&&console.error&&console.error("Segment snippet included twice.");else{analytics.invoked=!0;analytics.methods=["trackSubmit","trackClick","trackLink","trackForm","pageview","identify","reset","group","track","ready","alias","debug","page","screen","once","off","on","addSourceMiddleware","addIntegrationMiddleware","setAnonymousId","addDestinationMiddleware","register"];analytics.factory=function(e){return function(){if(window[i].initialized)return window[i][e].apply(window[i],arguments);var n=Array.prototype.slice.call(arguments);if(["track","screen","alias","group","page","identify"].indexOf(e)>-1){var c=document.querySelector("link[rel='canonical']");n.push({__t:"bpc",c:c&&c.getAttribute("href")||void 0,p:location.pathname,u:location.href,s:location.search,t:document.title,r:document.referrer})}n.unshift(e);analytics.push(n);return analytics}};for(var n=0;n<analytics.methods.length;n++){var key=analytics.methods[n];analytics[key]=analytics.factory(key)}analytics.load=function(key,n){var t=document.createElement("script");t.type="text/javascript";t.async=!0;t.setAttribute("data-global-segment-analytics-key",i);t.src="${url}/analytics.js/v1/" + key + "/analytics.min.js";var r=document.getElementsByTagName("script")[0];r.parentNode.insertBefore(t,r);analytics._loadOptions=n};analytics._writeKey="${writeKey}";analytics.SNIPPET_VERSION="5.2.0";
analytics.load("${writeKey}", ${JSON.stringify(BATCHING)});
}}();
${script}</script>`
}

/** Hosts that the browser contacted, except the page's own and the server. */
export function strangers({ asked, site }: Visit, url: string): string[] {
  return asked.filter(each => !each.startsWith(site) && !each.startsWith(`${url}/`) && /^https?:/.test(each))
}

/** Throws if a page contacted other hosts than its own and the server. */
export function refuseStrangers(visit: Visit, url: string): void {
  const found = strangers(visit, url)
  if (found.length > 0) throw new Error(`the page sent requests to other servers: ${found.join(', ')}`)
}

/** One event for each request, and the event of a query string, for which the SDK loads a part of itself. */
export const browserSdk: SdkRun = {
  source: 'browser',
  name: `${NAME} in Chromium, one script tag`,
  version: () => npmVersion(NAME),
  extra: { query: 'track' },
  async send(target) {
    const query = `?ajs_event=From%20Query&ajs_prop_marker=${target.marker}-query`
    await visit(pageWithTag(target, calls(target.marker)), query, async visited => {
      await target.delivered(7)
      refuseStrangers(visited, target.url)
    })
  }
}

/** The npm package in the page's own bundle; only `cdnURL` names the server. */
export const browserNpmSdk: SdkRun = {
  source: 'browser-npm',
  name: `${NAME} in Chromium, npm package`,
  version: () => npmVersion(NAME),
  async send(target) {
    const { url, writeKey, marker } = target
    const bundle = readFileSync(
      new URL('../../../node_modules/@segment/analytics-next/dist/umd/index.js', import.meta.url)
    )
    const html = `<!doctype html><title>Shop ü</title><script>${bundle.toString()}</script>
<script>
const analytics = AnalyticsNext.AnalyticsBrowser.load({ writeKey: '${writeKey}', cdnURL: '${url}' })
${calls(marker)}
</script>`
    await visit(html, '', async visited => {
      await target.delivered(6)
      refuseStrangers(visited, url)
    })
  }
}

/** Many events in each request, and one that is sent while the page is closed. */
export const browserBatchingSdk: SdkRun = {
  source: 'browser-batching',
  name: `${NAME} in Chromium, Segment's snippet, batching, page hide`,
  version: () => npmVersion(NAME),
  extra: { hide: 'track' },
  async send(target) {
    await visit(pageWithSnippet(target, calls(target.marker)), '', async visited => {
      await target.delivered(6)
      const leave = `analytics.track('Left', { marker: '${target.marker}-hide' }).then(() => { location.href = 'about:blank' })`
      await visited.page.evaluate(`void ${leave}`)
      await target.delivered(7)
      refuseStrangers(visited, target.url)
    })
  }
}
