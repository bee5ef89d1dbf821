import { setTimeout as sleep } from 'node:timers/promises'
import autocannon from 'autocannon'
import t from 'tap'
import type { Test } from 'tap'
import { startAdminProcess } from '../../support/admin-server.ts'
import type { AdminServer } from '../../support/admin-server.ts'
import { basic } from '../../support/app.ts'

const RUN_SECONDS = 10
/** So long with the stream open, then so long without, and so on: other programs disturb both alike. */
const SLICE_MS = 200
/** What others do on the machine can hide or feign a few percent; a real loss shows each time. */
const ATTEMPTS = 3
const LEAST_SHARE = 0.95

/** Reads the live stream as a page does; the answer ends that and tells how many bytes came. */
async function openStream(server: AdminServer): Promise<() => Promise<number>> {
  const gone = new AbortController()
  const response = await fetch(`${server.admin}/api/stream`, { signal: gone.signal })
  let bytes = 0
  const reading = (async () => {
    for await (const chunk of response.body as ReadableStream<Uint8Array>) bytes += chunk.length
  })().catch(() => undefined)
  return async () => {
    gone.abort()
    await reading
    return bytes
  }
}

/** CPU time for each event in microseconds, in one slice. */
async function slice(server: AdminServer): Promise<number> {
  const before = await server.usage()
  await sleep(SLICE_MS)
  const after = await server.usage()
  return (after.cpuMicroseconds - before.cpuMicroseconds) / Math.max(1, after.events - before.events)
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] as number

/**
 * The throughput with an open stream as a share of that without, on a server that has all it can do. A full server's
 * throughput is what its processor time allows; this, unlike the clock, other programs change little.
 */
async function measure(t: Test, server: AdminServer, body: string): Promise<number> {
  const load = autocannon({
    url: `${server.tracking}/v1/batch`,
    method: 'POST',
    headers: { authorization: basic(), 'content-type': 'application/json' },
    body,
    connections: 8,
    duration: RUN_SECONDS
  })
  await sleep(1_000)
  const alone: number[] = []
  const watched: number[] = []
  let streamed = 0
  const end = performance.now() + (RUN_SECONDS - 2) * 1_000
  while (performance.now() < end) {
    alone.push(await slice(server))
    const close = await openStream(server)
    watched.push(await slice(server))
    streamed += await close()
  }
  await load
  t.ok(streamed > 100_000, `${streamed} bytes were streamed`)
  const share = median(alone) / median(watched)
  t.comment(
    `${median(alone).toFixed(1)} us for each event alone, ${median(watched).toFixed(1)} us watched: ` +
      `${(100 * share).toFixed(1)} % of the throughput (${alone.length} slices each)`
  )
  return share
}

t.test('An open live stream on a full server costs less than 5 % of its throughput', async t => {
  const server = await startAdminProcess(t)
  const event = { type: 'track', userId: 'user-1', event: 'Order Completed', properties: { text: 'x'.repeat(700) } }
  const body = JSON.stringify({ batch: Array.from({ length: 20 }, () => event) })
  let best = 0
  for (let attempt = 0; attempt < ATTEMPTS && best <= LEAST_SHARE; attempt++) {
    best = Math.max(best, await measure(t, server, body))
  }
  t.ok(best > LEAST_SHARE, `the throughput is ${(100 * best).toFixed(1)} % of what it is without a watcher`)
})
