import { setTimeout as sleep } from 'node:timers/promises'
import autocannon from 'autocannon'
import t from 'tap'
import type { Test } from 'tap'
import { startAdminProcess } from '../../support/admin-server.ts'
import type { AdminServer } from '../../support/admin-server.ts'
import { basic } from '../../support/app.ts'

const RUN_SECONDS = 10
/** The time with the stream open, then without it, and so on, so that other programs disturb both equally. */
const SLICE_MS = 200
/** Other programs can hide or simulate a difference of a few percent. A real loss occurs each time. */
const ATTEMPTS = 3
const MOST_SHARE = 0.05

/** Reads the live stream like a page. The returned function ends this and returns the number of bytes. */
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

interface Slice {
  /** CPU time for each event, in microseconds. */
  readonly each: number
  /** Events in a second. */
  readonly rate: number
}

async function slice(server: AdminServer): Promise<Slice> {
  const before = await server.usage()
  const begun = performance.now()
  await sleep(SLICE_MS)
  const after = await server.usage()
  const events = Math.max(1, after.events - before.events)
  return {
    each: (after.cpuMicroseconds - before.cpuMicroseconds) / events,
    rate: (events * 1_000) / (performance.now() - begun)
  }
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] as number

/**
 * The share of a processor that an open stream takes. A full server loses this share of its throughput. Unlike the
 * throughput, it does not depend on other programs.
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
  const alone: Slice[] = []
  const watched: Slice[] = []
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
  const [before, after] = [median(alone.map(({ each }) => each)), median(watched.map(({ each }) => each))]
  const rate = median(watched.map(slice => slice.rate))
  const share = ((after - before) * rate) / 1e6
  t.comment(
    `each event took ${before.toFixed(1)} us alone and ${after.toFixed(1)} us with a stream, at ${rate.toFixed(0)} events/s: ` +
      `${(100 * share).toFixed(1)} % of a processor (${alone.length} slices each)`
  )
  return share
}

t.test('An open live stream on a full server costs less than 5 % of its throughput', async t => {
  const server = await startAdminProcess(t)
  const event = { type: 'track', userId: 'user-1', event: 'Order Completed', properties: { text: 'x'.repeat(700) } }
  const body = JSON.stringify({ batch: Array.from({ length: 20 }, () => event) })
  let least = Infinity
  for (let attempt = 0; attempt < ATTEMPTS && least >= MOST_SHARE; attempt++) {
    least = Math.min(least, await measure(t, server, body))
  }
  t.ok(least < MOST_SHARE, `the stream took ${(100 * least).toFixed(1)} % of a processor`)
})
