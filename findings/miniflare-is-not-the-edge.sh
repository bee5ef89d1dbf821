#!/bin/sh
# What Cloudflare documents of its network does not show in miniflare: the clock goes on while code runs, and waitUntil is
# not cut after 30 s. A worker that loses nothing here may lose there.
# miniflare 4.20260730.0 (workerd 1.20260730.1), seen 2026-11-28.
. "$(dirname "$0")/support.sh"
install miniflare@4.20260730.0 esbuild@0.28.2
measure <<'PROGRAM'
import { record } from './recorder.mjs'
import { startWorker, visit } from './workers.mjs'

const SOURCE = `
  export default {
    async fetch(request, env, ctx) {
      const start = Date.now()
      let sum = 0
      for (let i = 0; i < 2e8; i++) sum += Math.sqrt(i)
      const moved = Date.now() > start
      const late = async () => {
        await new Promise(resolve => setTimeout(resolve, 35000))
        await (await fetch(env.HOST, { method: 'POST', body: String(sum) })).text()
      }
      ctx.waitUntil(late())
      return new Response(String(moved))
    }
  }`
const server = await record()
const worker = await startWorker(SOURCE, { bindings: { HOST: server.url } })
const [moved] = await visit(worker)
console.log(`the clock moves while code runs: ${moved}`)
for (let waited = 0; server.requests.length === 0 && waited < 45; waited++)
  await new Promise(resolve => setTimeout(resolve, 1000))
console.log(`requests sent 35 s after the answer, in waitUntil: ${server.requests.length}`)
await worker.dispose()
server.close()
PROGRAM
expect <<'SEEN'
the clock moves while code runs: true
requests sent 35 s after the answer, in waitUntil: 1
SEEN
