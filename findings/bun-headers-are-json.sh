#!/bin/sh
# JSON.stringify writes the contents of Headers, URLSearchParams and FormData in Bun, and {} in Node and Deno: a request's
# headers in the properties of an event are harmless there, and sent with their credentials here.
# Bun 1.4.5, Deno 2.9.6, Node 24.21.0, seen 2026-11-28.
. "$(dirname "$0")/support.sh"
install @deno/linux-x64-glibc@2.9.6 @oven/bun-linux-x64@1.4.5
measure <<'PROGRAM'
import { run } from './recorder.mjs'

const PROGRAM = `
  const form = new FormData()
  form.set('a', '1')
  console.log(JSON.stringify([new Headers({ Authorization: 'secret' }), new URLSearchParams('a=1'), form]))
`
for (const runtime of ['node', 'bun', 'deno']) console.log(`${runtime}: ${await run(runtime, PROGRAM)}`)
PROGRAM
expect <<'SEEN'
node: [{},{},{}]
bun: [{"authorization":"secret"},{"a":"1"},{"a":"1"}]
deno: [{},{},{}]
SEEN
