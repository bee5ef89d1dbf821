#!/bin/sh
# @segment/analytics-node writes "node" and a version of Node into each event under Bun and Deno, and in a worker with
# nodejs_compat: events do not tell where they were made.
# @segment/analytics-node 3.1.0, Bun 1.4.5, Deno 2.9.6, miniflare 4.20260730.0 (workerd 1.20260730.1), seen 2026-11-28.
. "$(dirname "$0")/support.sh"
install @segment/analytics-node@3.1.0 @deno/linux-x64-glibc@2.9.6 @oven/bun-linux-x64@1.4.5 miniflare@4.20260730.0 \
  esbuild@0.28.2
measure <<'PROGRAM'
import { record, run } from './recorder.mjs'
import { startWorker, visit } from './workers.mjs'

const IMPORT = `import { Analytics } from '@segment/analytics-node'`
const send = host => `
  const client = new Analytics({ writeKey: 'key', host: ${host} })
  client.track({ userId: 'u', event: 'E' })
  await client.closeAndFlush()
`
const show = (where, server) => {
  console.log(where, JSON.stringify(server.events[0]._metadata))
  server.close()
}
for (const runtime of ['node', 'bun', 'deno']) {
  const server = await record()
  await run(runtime, IMPORT + send('process.env.HOST'), { HOST: server.url })
  show(runtime, server)
}
const SOURCE = `${IMPORT}
  export default { async fetch(request, env) { ${send('env.HOST')} return new Response('ok') } }`
for (const compatibilityFlags of [[], ['nodejs_compat']]) {
  const server = await record()
  const worker = await startWorker(SOURCE, { compatibilityFlags, bindings: { HOST: server.url } })
  await visit(worker)
  await worker.dispose()
  show(`workerd, ${compatibilityFlags[0] ?? 'no flag'}`, server)
}
PROGRAM
expect <<'SEEN'
node {"nodeVersion":"v24.21.0","jsRuntime":"node"}
bun {"nodeVersion":"v26.3.0","jsRuntime":"node"}
deno {"nodeVersion":"v26.3.0","jsRuntime":"node"}
workerd, no flag {"jsRuntime":"cloudflare-worker"}
workerd, nodejs_compat {"nodeVersion":"v22.19.0","jsRuntime":"node"}
SEEN
