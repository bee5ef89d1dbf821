import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { calls, refuseStrangers, visit } from '../browser-sdk.ts'
import type { SdkTarget } from '../run.ts'
import { npmPackages } from './install.ts'

export const HIGHTOUCH = '@ht-sdks/events-sdk-js-browser'
const CALLS = 6

/**
 * Hightouch's SDK in Chromium: the npm package for a script tag; only `apiHost` and `protocol` name the server. It
 * treats every answer as a delivery: events that are sent into trouble are lost, and the page waits for them without a
 * result.
 */
export async function sendWithHightouch({ url, writeKey, marker, delivered }: SdkTarget): Promise<void> {
  const bundle = readFileSync(join(await npmPackages(), 'node_modules', HIGHTOUCH, 'dist', 'umd', 'index.js'), 'utf8')
  const { host, protocol } = new URL(url)
  const options = { apiHost: host, protocol: protocol.slice(0, -1) }
  const html = `<!doctype html><title>Shop ü</title><script>${bundle}</script>
<script>
const analytics = HtEvents.HtEventsBrowser.load({ writeKey: '${writeKey}' }, ${JSON.stringify(options)})
${calls(marker)}
</script>`
  await visit(html, '', async visited => {
    await delivered(CALLS)
    refuseStrangers(visited, url)
  })
}
