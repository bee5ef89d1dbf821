#!/bin/sh
# @segment/analytics-node does not read its answers. In workerd each of its requests then has a connection of its own; an
# httpClient that reads them needs one for all.
# @segment/analytics-node 3.1.0, miniflare 4.20260730.0 (workerd 1.20260730.1), seen 2026-11-28.
. "$(dirname "$0")/support.sh"
install @segment/analytics-node@3.1.0 miniflare@4.20260730.0 esbuild@0.28.2
measure <<'PROGRAM'
import { record } from './recorder.mjs'
import { startWorker, visit } from './workers.mjs'

const READING = `async (url, init) => {
  const answer = await fetch(url, init)
  return new Response(await answer.text(), answer)
}`
for (const [way, httpClient] of Object.entries({ 'its own client': 'undefined', 'a client that reads': READING })) {
  const server = await record()
  const source = `
    import { Analytics } from '@segment/analytics-node'
    export default {
      async fetch(request, env, ctx) {
        const client = new Analytics({ writeKey: 'key', host: env.HOST, httpClient: ${httpClient} })
        client.track({ userId: 'u', event: 'E' })
        ctx.waitUntil(client.closeAndFlush())
        return new Response('ok')
      }
    }`
  const worker = await startWorker(source, { bindings: { HOST: server.url } })
  await visit(worker, 20, 100)
  await new Promise(resolve => setTimeout(resolve, 1000))
  console.log(`${way}: ${server.events.length} events over ${server.connections} connections`)
  await worker.dispose()
  server.close()
}
PROGRAM
expect <<'SEEN'
its own client: 20 events over 20 connections
a client that reads: 20 events over 1 connections
SEEN
