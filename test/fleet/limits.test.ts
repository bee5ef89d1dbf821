import t from 'tap'
import { createDemandMeter, hasShifted } from '../../src/fleet/limits/demand.ts'
import { createShares } from '../../src/fleet/limits/shares.ts'
import { createRateLimiter } from '../../src/ingest/pipeline/rate-limit.ts'
import type { Source } from '../../src/model/source.ts'
import { createRandom } from '../support/mutations.ts'

const source: Source = {
  id: 'web',
  name: 'web',
  enabled: true,
  allowedOrigins: undefined,
  rateLimit: { eventsPerSecond: 50 }
}
const BURST = 100

/** The part of a server that handles limits, with a clock of the test. */
function createFleetServer(clock: { readonly now: () => number }, maxBatchEvents: number) {
  const meter = createDemandMeter(clock.now)
  const shares = createShares()
  const limiter = createRateLimiter({
    clock: { now: clock.now, monotonic: clock.now },
    maxBatchEvents,
    sharing: { shareOf: shares.of, offered: meter.offered }
  })
  return { meter, shares, limiter, sent: meter.read(), heard: meter.read(), passed: 0 }
}

interface Play {
  readonly servers: number
  readonly seconds: number
  /** Offered requests a second, and the server that each is sent to. */
  readonly perSecond: number
  /** Events a request, and at most; default 1 and BURST. */
  readonly batch?: number
  readonly burst?: number
  /** Default: the source above. */
  readonly limited?: Source
  /**
   * The load comes in bursts: it stops and starts again after at most this many milliseconds each. Default: it never
   * stops.
   */
  readonly gustMs?: number
  readonly serverOf: (event: number, second: number) => number
}

/** The number of accepted events. Each server learns the others' demand 250 ms late. */
function play(options: Play): number {
  const {
    servers: count,
    seconds,
    perSecond,
    serverOf,
    batch = 1,
    burst = BURST,
    limited = source,
    gustMs = 0
  } = options
  let now = 0
  const clock = { now: () => now }
  const servers = Array.from({ length: count }, () => createFleetServer(clock, burst))
  const stepMs = 1_000 / perSecond
  let nextUpdate = 0
  let nextBeat = 0
  const random = createRandom(1)
  let [stillUntil, nextStill] = [0, gustMs === 0 ? Infinity : 0]
  for (let event = 0; now < seconds * 1_000; now += stepMs) {
    if (now >= nextBeat) {
      nextBeat += 1_000
      for (const server of servers) server.sent = server.meter.read()
    }
    if (now >= nextUpdate) {
      nextUpdate += 250
      for (const server of servers) server.heard = server.sent
      for (const server of servers) {
        if (hasShifted(server.sent, server.meter.read())) server.sent = server.meter.read()
        const others = servers.filter(other => other !== server).map(({ heard }) => ({ demand: heard }))
        server.shares.update(server.meter.read(), others)
      }
    }
    if (now >= nextStill) {
      stillUntil = now + random() * gustMs
      nextStill = stillUntil + random() * gustMs
    }
    if (now < stillUntil) continue
    const server = servers[serverOf(event++, Math.floor(now / 1_000))]
    if (server?.limiter.take(limited, batch) === 0) server.passed += batch
  }
  return servers.reduce((sum, { passed }) => sum + passed, 0)
}

const SECONDS = 30
const WANTED = BURST + 50 * SECONDS

function isWithin(passed: number, wanted: number): boolean {
  return Math.abs(passed - wanted) <= wanted / 10
}

for (const servers of [1, 3, 5]) {
  t.test(`a limit holds for ${servers} servers together, however the load is spread`, async t => {
    const spreads: Readonly<Record<string, Play['serverOf']>> = {
      'round robin': event => event % servers,
      'all on one': () => 0,
      'mostly on one': event => (event % 10 === 0 ? event % servers : 0)
    }
    for (const [name, serverOf] of Object.entries(spreads)) {
      const passed = play({ servers, seconds: SECONDS, perSecond: 300, serverOf })
      t.ok(isWithin(passed, WANTED), `${name}: ${passed} of ${WANTED} events passed`)
    }
  })
}

t.test('a load that suddenly moves to another server gets at most the limit, and only a little less', async t => {
  for (const servers of [3, 5]) {
    const serverOf: Play['serverOf'] = (_event, second) => Math.floor(second / 10) % servers
    const passed = play({ servers, seconds: SECONDS, perSecond: 300, serverOf })
    t.ok(
      passed <= WANTED && passed >= WANTED * 0.85,
      `${passed} of ${WANTED} events passed although the load moved twice`
    )
  }
})

t.test('a load in bursts, of busy servers or clients, gets at most the limit too', async t => {
  for (const [perSecond, gustMs] of [
    [150, 200],
    [150, 500],
    [72, 500],
    [400, 500]
  ] as const) {
    const limited = { ...source, rateLimit: { eventsPerSecond: 20 } }
    const given = { servers: 3, perSecond, gustMs, limited, batch: 10, burst: 2_500, serverOf: (at: number) => at % 3 }
    // The events that are accepted after the burst is used up.
    const passed = play({ ...given, seconds: 500 }) - play({ ...given, seconds: 300 })
    const wanted = 200 * 20
    t.ok(
      Math.abs(passed - wanted) <= wanted * 0.05,
      `${passed} of ${wanted} events passed in bursts, at ${perSecond} requests a second`
    )
  }
})

t.test('a load below the limit passes completely, wherever it goes', async t => {
  for (const servers of [1, 3, 5]) {
    const passed = play({ servers, seconds: SECONDS, perSecond: 40, serverOf: event => event % servers })
    t.ok(passed >= 40 * SECONDS * 0.99, `${passed} of ${40 * SECONDS} events passed on ${servers} servers`)
  }
})

t.test('the parts of all servers add up to the whole limit', async t => {
  const demands = [{ web: [120, 12] }, { web: [30, 30] }, {}, { ios: [1, 1] }] as const
  for (const id of ['web', 'ios', 'nobody']) {
    const parts = demands.map((own, index) => {
      const shares = createShares()
      shares.update(
        own,
        demands.filter((_, other) => other !== index).map(demand => ({ demand }))
      )
      return shares.of(id)
    })
    t.ok(Math.abs(parts.reduce((sum, { events }) => sum + events, 0) - 1) < 1e-9, id)
    t.ok(Math.abs(parts.reduce((sum, { requests }) => sum + requests, 0) - 1) < 1e-9, id)
  }
})

t.test('the meter follows the offered load, including refused requests, and decays', async t => {
  let now = 0
  const meter = createDemandMeter(() => now)
  for (; now < 10_000; now += 10) meter.offered('web', 3)
  const [events = 0, requests = 0] = meter.read()['web'] ?? []
  t.ok(
    Math.abs(events - 300) < 6 && Math.abs(requests - 100) < 2,
    `the meter shows ${events} events and ${requests} requests a second`
  )
  now += 30_000
  t.same(meter.read(), {})
})
