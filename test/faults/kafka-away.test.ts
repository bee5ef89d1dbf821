import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { assertNothingLost, choose, tellRow } from '../support/faults.ts'
import { startKafka } from '../support/kafka.ts'
import { startLoad } from '../support/load.ts'
import { readMetrics, sumOf } from '../support/metrics.ts'
import { startServer } from '../support/server-process.ts'
import { timing, verify, wasOpenAt } from '../support/verdict.ts'

const EVENTS_PER_SECOND = choose(700, 3_000)
const AWAY_MS = choose(6_000, 60_000)
/** Until the server has allocated all its memory: the debugger's recent events alone take 64 MiB. */
const WARM_MS = choose(2_000, 60_000)
/** In the short form the debugger's memory is not yet full when Kafka stops. */
const MORE_MEMORY = choose(160, 60) * 1024 * 1024
const MEBIBYTE = 1024 * 1024
const GAUGES = {
  heap: 'nodejs_heap_size_total_bytes',
  used: 'nodejs_heap_size_used_bytes',
  external: 'nodejs_external_memory_bytes',
  queued: 'tributary_queue_bytes'
}

t.test('Kafka is away for a minute under full load: every event is answered 200, and memory hardly grows', async t => {
  const kafka = await startKafka({})
  t.teardown(() => kafka.stop())
  const env = { KAFKA_BROKERS: kafka.brokers.join(','), EVENTS_TOPIC: 'away', REJECTED_TOPIC: 'away-rejected' }
  const server = await startServer(t, { env })
  await server.ready()
  const load = startLoad(t, { url: server.url, eventsPerSecond: EVENTS_PER_SECOND })
  await sleep(WARM_MS)
  const taken = load.acked.length
  const before = server.memory()
  let peak = before
  const watch = setInterval(() => (peak = Math.max(peak, server.memory())), 100)
  t.teardown(() => clearInterval(watch))
  const tell = async (when: string): Promise<void> => {
    const samples = await readMetrics(server.adminUrl)
    const parts = Object.entries(GAUGES).map(([name, gauge]) => ({ name, bytes: sumOf(samples, gauge) }))
    const all = [{ name: 'resident', bytes: server.memory() }, ...parts]
    t.comment(`${when}: ${all.map(({ name, bytes }) => `${name} ${Math.round(bytes / MEBIBYTE)}`).join(', ')} MiB`)
  }
  await tell('before the fault')
  const begun = performance.now()
  await kafka.kill()
  for (let part = 1; part <= 6; part++) {
    await sleep(AWAY_MS / 6)
    await tell(`after ${Math.round((performance.now() - begun) / 1_000)} s without Kafka`)
  }
  const away = peak
  const duringAway = load.acked.length - taken
  await kafka.restart()
  const back = performance.now()
  await server.drained(120_000)
  const drainMs = performance.now() - back
  await tell('after the drain')
  clearInterval(watch)
  await load.stop()
  await server.drained()
  const seen = timing(load.answers, { except: wasOpenAt(begun) })
  t.strictSame(Object.keys(seen.statuses), ['200'])
  const verdict = await verify([load], { brokers: kafka.brokers, topic: 'away' })
  assertNothingLost(t, verdict)
  const [growth, drainGrowth] = [away - before, peak - before]
  t.ok(growth < MORE_MEMORY, `the memory grew by ${Math.round(growth / MEBIBYTE)} MiB while Kafka was away`)
  t.ok(
    drainGrowth < MORE_MEMORY,
    `the memory grew by at most ${Math.round(drainGrowth / MEBIBYTE)} MiB, including the drain`
  )
  const rate = (duringAway * 1_000) / (back - begun)
  const measured = { drainMs, rate, awayMiB: growth / MEBIBYTE, drainMiB: drainGrowth / MEBIBYTE, ...seen }
  tellRow(t, `Kafka away ${AWAY_MS / 1_000} s at ${EVENTS_PER_SECOND} events/s`, { verdict, ...measured })
})

t.end()
