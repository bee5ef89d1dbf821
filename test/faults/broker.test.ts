import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import t from 'tap'
import { assertNothingLost, choose, tellRow } from '../support/faults.ts'
import type { Kafka } from '../support/kafka.ts'
import { startKafka } from '../support/kafka.ts'
import type { AckedEvent, Answered, Load } from '../support/load.ts'
import { startLoad } from '../support/load.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { startServer } from '../support/server-process.ts'
import { until } from '../support/until.ts'
import type { Timing, Verdict } from '../support/verdict.ts'
import { timing, verify, wasOpenAt } from '../support/verdict.ts'

const eventsPerSecond = choose(700, 1_500)
const AWAY_MS = choose([8_000], [0, 60_000])
const IN_TIME_MS = choose(500, 250)
/** Before and after each fault. */
const QUIET_MS = choose(1_500, 5_000)
/** Until the server has allocated all its memory. */
const WARM_MS = choose(1_500, 40_000)
/** In the short form the debugger's memory of recent events (64 MiB) is not yet full when the fault begins. */
const SMALL_MEMORY = choose(164, 100) * 1024 * 1024

let kafka: Kafka
let topics = 0

t.before(async () => {
  kafka = await startKafka({})
})
t.after(() => kafka.stop())

interface Trial {
  readonly verdict: Verdict
  readonly server: ServerProcess
  /** performance.now() at which the fault began and ended. */
  readonly begun: number
  readonly over: number
  readonly drainMs: number
  readonly memoryGrowth: number
  readonly answers: readonly Answered[]
  readonly seen: Timing
}

/** Starts a new server under load, causes the fault in the middle, and determines the result of every event. */
async function undergo(
  t: Test,
  fault: (load: Load) => Promise<void>,
  warmMs = QUIET_MS,
  more: Record<string, string> = {}
): Promise<Trial> {
  const topic = `events-${++topics}`
  const env = {
    KAFKA_BROKERS: kafka.brokers.join(','),
    EVENTS_TOPIC: topic,
    REJECTED_TOPIC: `${topic}-rejected`,
    ...more
  }
  const server = await startServer(t, { env })
  await server.ready()
  const load = startLoad(t, { url: server.url, eventsPerSecond })
  await sleep(warmMs)
  const memory = server.memory()
  let peak = memory
  const watch = setInterval(() => (peak = Math.max(peak, server.memory())), 200)
  t.teardown(() => clearInterval(watch))
  const begun = performance.now()
  await fault(load)
  const over = performance.now()
  await server.drained()
  const drainMs = performance.now() - over
  await sleep(QUIET_MS)
  clearInterval(watch)
  await load.stop()
  await server.drained()
  const verdict = await verify([load], { brokers: kafka.brokers, topic })
  assertNothingLost(t, verdict)
  const seen = timing(load.answers, { except: wasOpenAt(begun) })
  return { verdict, server, begun, over, drainMs, memoryGrowth: peak - memory, answers: load.answers, seen }
}

t.test(
  'a broker hangs: every request is answered 200 within a second, and at most the requests in flight are stored twice',
  async t => {
    const { verdict, drainMs, answers, begun } = await undergo(t, async () => {
      kafka.pause()
      await sleep(choose(4_000, 8_000))
      kafka.resume()
    })
    const seen = timing(answers)
    t.strictSame(Object.keys(seen.statuses), ['200'])
    const inFlight = answers.filter(wasOpenAt(begun + 700)).length
    t.ok(
      verdict.duplicates <= inFlight * 9,
      `${verdict.duplicates} events are stored twice, and ${inFlight} requests were in flight`
    )
    tellRow(t, 'broker hangs', { verdict, drainMs, ...seen })
  }
)

t.test('a broker is restarted cleanly: every request is answered 200 and nothing is lost', async t => {
  const { verdict, drainMs, seen } = await undergo(t, () => kafka.restart())
  t.strictSame(Object.keys(seen.statuses), ['200'])
  tellRow(t, 'broker restarted', { verdict, drainMs, ...seen })
})

for (const awayMs of AWAY_MS) {
  t.test(
    `a broker is killed and ${awayMs / 1_000} s away: 200 in time without a pause, little memory, and a drain that takes less time than that`,
    async t => {
      const fault = async (): Promise<void> => {
        await kafka.kill()
        await sleep(awayMs)
        await kafka.restart()
      }
      const { verdict, drainMs, seen, memoryGrowth, begun, over } = await undergo(t, fault, WARM_MS)
      t.strictSame(Object.keys(seen.statuses), ['200'], 'every request is answered 200')
      t.ok(
        seen.p99 < IN_TIME_MS,
        `99 % of the requests that were not open when the fault began were answered within ${Math.round(seen.p99)} ms`
      )
      t.ok(seen.longestGap < 1_000, `the longest time without a 200 was ${Math.round(seen.longestGap)} ms`)
      t.ok(
        drainMs < over - begun,
        `the drain took ${Math.round(drainMs)} ms, and the broker was away for ${Math.round(over - begun)} ms`
      )
      t.ok(memoryGrowth < SMALL_MEMORY, `the memory grew by ${Math.round(memoryGrowth / 2 ** 20)} MiB`)
      const measured = { awayMs: over - begun, drainMs, memoryMiB: memoryGrowth / 2 ** 20, ...seen }
      tellRow(t, `broker killed, away ${awayMs / 1_000} s`, { verdict, ...measured })
    }
  )
}

t.test(
  'a broker hangs and the spool is full: 503 with Retry-After until the broker answers, and nothing is lost',
  async t => {
    let acked: readonly AckedEvent[] = []
    const fault = async (load: Load): Promise<void> => {
      kafka.pause()
      const isRefused = (): boolean => load.answers.at(-1)?.status === 503
      await until(isRefused, { what: 'the spool to be full', timeoutMs: 20_000 })
      await sleep(choose(1_000, 10_000))
      kafka.resume()
      acked = [...load.acked]
    }
    const { verdict, answers, over, drainMs } = await undergo(t, fault, QUIET_MS, { SPOOL_MAX_BYTES: '500KiB' })
    const refused = answers.filter(({ status }) => status === 503)
    t.strictSame(
      refused.filter(({ retryAfter }) => !/^[1-9]\d*$/.test(retryAfter ?? '')),
      [],
      'each 503 has a valid Retry-After'
    )
    const again = answers.find(({ at, status }) => at > over && status === 200)
    const recoveryMs = (again?.at ?? Infinity) - over
    t.ok(recoveryMs < 5_000, `events were accepted again after ${Math.round(recoveryMs)} ms`)
    t.ok(verdict.acked > acked.length)
    tellRow(t, 'broker hangs, spool full', { verdict, drainMs, recoveryMs, ...timing(answers) })
  }
)

// The broker's process keeps this process alive, so the test ends it explicitly.
t.end()
