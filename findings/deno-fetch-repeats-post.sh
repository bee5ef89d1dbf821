#!/bin/sh
# Where a kept connection closes after a POST and before its answer, Deno's fetch sends the POST again by itself, and says
# nothing. Node's and Bun's fail, and leave it to the caller.
# Deno 2.9.6, Bun 1.4.5, Node 24.21.0, seen 2026-11-28.
. "$(dirname "$0")/support.sh"
install @deno/linux-x64-glibc@2.9.6 @oven/bun-linux-x64@1.4.5
measure <<'PROGRAM'
import { record, run } from './recorder.mjs'

const PROGRAM = `
  const post = () => fetch(process.env.HOST, { method: 'POST', body: '{}' })
  await (await post()).text()
  await new Promise(resolve => setTimeout(resolve, 300))
  console.log(await post().then(answer => answer.status, error => error.name))
`
for (const runtime of ['node', 'bun', 'deno']) {
  const server = await record(({ number, socket }) => {
    if (number === 2) socket.end()
    return number === 2
  })
  const said = await run(runtime, PROGRAM, { HOST: server.url })
  console.log(`${runtime}: two POSTs were made, ${server.requests.length} arrived whole; the second gave ${said}`)
  server.close()
}
PROGRAM
expect <<'SEEN'
node: two POSTs were made, 2 arrived whole; the second gave TypeError
bun: two POSTs were made, 2 arrived whole; the second gave TypeError
deno: two POSTs were made, 3 arrived whole; the second gave 200
SEEN
