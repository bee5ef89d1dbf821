import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { calls, refuseStrangers, visit } from '../browser-sdk.ts'
import type { SdkTarget } from '../run.ts'
import { npmPackages } from './install.ts'

export const HIGHTOUCH = '@ht-sdks/events-sdk-js-browser'
const CALLS = 6

/**
 * Hightouch's SDK in Chromium: what npm has for a script tag, told of the server by `apiHost` and `protocol` alone. It takes
 * every answer for a delivery: what it sends into trouble is lost, and the page waits for that in vain.
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
