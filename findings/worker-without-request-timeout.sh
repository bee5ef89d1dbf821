#!/bin/sh
# @segment/analytics-node gives a request up after httpRequestTimeout and sends it again, except in a worker without
# nodejs_compat: there it waits.
# @segment/analytics-node 3.1.0, miniflare 4.20260730.0 (workerd 1.20260730.1), seen 2026-11-28.
. "$(dirname "$0")/support.sh"
install @segment/analytics-node@3.1.0 miniflare@4.20260730.0 esbuild@0.28.2
measure <<'PROGRAM'
import { record } from './recorder.mjs'
import { startWorker, visit } from './workers.mjs'

const SOURCE = `
  import { Analytics } from '@segment/analytics-node'
  export default {
    async fetch(request, env) {
      const client = new Analytics({ writeKey: 'key', host: env.HOST, httpRequestTimeout: 1000 })
      client.track({ userId: 'u', event: 'E' })
      await client.closeAndFlush()
      return new Response('ok')
    }
  }`
for (const compatibilityFlags of [[], ['nodejs_compat']]) {
  const server = await record(async ({ number }) => {
    if (number === 1) await new Promise(resolve => setTimeout(resolve, 4000))
  })
  const worker = await startWorker(SOURCE, { compatibilityFlags, bindings: { HOST: server.url } })
  await visit(worker)
  console.log(`a first answer after 4 s, ${compatibilityFlags[0] ?? 'no flag'}: ${server.requests.length} requests`)
  await worker.dispose()
  server.close()
}
PROGRAM
expect <<'SEEN'
a first answer after 4 s, no flag: 1 requests
a first answer after 4 s, nodejs_compat: 2 requests
SEEN
