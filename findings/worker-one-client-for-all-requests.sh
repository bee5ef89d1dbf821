#!/bin/sh
# In a worker, one @segment/analytics-node for the whole module delivers the events of its first request alone, although
# each request flushes in waitUntil. A client for each request delivers all.
# @segment/analytics-node 3.1.0, miniflare 4.20260730.0 (workerd 1.20260730.1), seen 2026-11-28.
. "$(dirname "$0")/support.sh"
install @segment/analytics-node@3.1.0 miniflare@4.20260730.0 esbuild@0.28.2
measure <<'PROGRAM'
import { record } from './recorder.mjs'
import { startWorker, visit } from './workers.mjs'

const worker = (outside, inside) => `
  import { Analytics } from '@segment/analytics-node'
  ${outside}
  export default {
    async fetch(request, env, ctx) {
      const settings = { writeKey: 'key', host: env.HOST }
      ${inside}
      return new Response('ok')
    }
  }`
const WAYS = {
  'one for the module': worker(
    'let client',
    `client ??= new Analytics(settings); client.track({ userId: 'u', event: 'E' }); ctx.waitUntil(client.flush())`
  ),
  'one for each request': worker(
    '',
    `const client = new Analytics(settings); client.track({ userId: 'u', event: 'E' }); ctx.waitUntil(client.closeAndFlush())`
  )
}
for (const [way, source] of Object.entries(WAYS))
  for (const compatibilityFlags of [[], ['nodejs_compat']]) {
    const server = await record()
    const started = await startWorker(source, { compatibilityFlags, bindings: { HOST: server.url } })
    await visit(started, 20)
    await new Promise(resolve => setTimeout(resolve, 1500))
    console.log(`${way} ${compatibilityFlags}: ${server.events.length} of 20 events`)
    await started.dispose()
    server.close()
  }
PROGRAM
expect <<'SEEN'
one for the module : 1 of 20 events
one for the module nodejs_compat: 1 of 20 events
one for each request : 20 of 20 events
one for each request nodejs_compat: 20 of 20 events
SEEN
