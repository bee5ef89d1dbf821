#!/bin/sh
# Node's fetch takes two seconds off what Keep-Alive announces: at timeout=2 it uses no connection twice. Bun and Deno pass
# the announcement over.
# Node 24.21.0 (its undici), Bun 1.4.5, Deno 2.9.6, seen 2026-11-28.
. "$(dirname "$0")/support.sh"
install @deno/linux-x64-glibc@2.9.6 @oven/bun-linux-x64@1.4.5
measure <<'PROGRAM'
import { record, run } from './recorder.mjs'

const PROGRAM = `
  for (let i = 0; i < 5; i++) {
    await (await fetch(process.env.HOST, { method: 'POST', body: '{}' })).text()
    await new Promise(resolve => setTimeout(resolve, 100))
  }
`
for (const seconds of [2, 4])
  for (const runtime of ['node', 'bun', 'deno']) {
    const server = await record(undefined, { keepAliveTimeout: seconds * 1000 })
    await run(runtime, PROGRAM, { HOST: server.url })
    console.log(`timeout=${seconds}, ${runtime}: 5 requests over ${server.connections} connections`)
    server.close()
  }
PROGRAM
expect <<'SEEN'
timeout=2, node: 5 requests over 5 connections
timeout=2, bun: 5 requests over 1 connections
timeout=2, deno: 5 requests over 1 connections
timeout=4, node: 5 requests over 1 connections
timeout=4, bun: 5 requests over 1 connections
timeout=4, deno: 5 requests over 1 connections
SEEN
