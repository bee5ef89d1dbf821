import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { assertNothingLost, choose, fakeClock, tellRow } from '../support/faults.ts'
import type { Kafka } from '../support/kafka.ts'
import { startKafka } from '../support/kafka.ts'
import { startLoad } from '../support/load.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { AUTHORIZATION, startServer } from '../support/server-process.ts'
import { until } from '../support/until.ts'
import { timing, verify } from '../support/verdict.ts'
import { ownFolder } from '../support/own-folder.ts'

const KILLS = 10
const { seconds, eventsPerSecond, atLeast } = choose(
  { seconds: 12, eventsPerSecond: 700, atLeast: 2_000 },
  { seconds: 60, eventsPerSecond: 1_500, atLeast: 60_000 }
)

let kafka: Kafka
let topics = 0

t.before(async () => {
  kafka = await startKafka({})
})
t.after(() => kafka.stop())

function toKafka(): { KAFKA_BROKERS: string; EVENTS_TOPIC: string; REJECTED_TOPIC: string } {
  const topic = `events-${++topics}`
  return { KAFKA_BROKERS: kafka.brokers.join(','), EVENTS_TOPIC: topic, REJECTED_TOPIC: `${topic}-rejected` }
}

/**
 * Kills the server ten times and starts it again at once. Returns how long each start took until it accepted an event.
 */
async function killServer(server: ServerProcess): Promise<number[]> {
  const starts: number[] = []
  for (let kill = 1; kill <= KILLS; kill++) {
    await sleep((seconds * 700) / KILLS)
    await server.kill()
    const killed = performance.now()
    await server.start()
    await server.accepts()
    starts.push(performance.now() - killed)
  }
  return starts
}

/** The broker is killed, hangs and restarts in turn. */
async function troubleKafka(): Promise<void> {
  const pause = seconds * 80
  await sleep(pause)
  await kafka.kill()
  await kafka.restart()
  await sleep(pause)
  kafka.pause()
  await sleep(choose(4_000, 8_000))
  kafka.resume()
  await sleep(pause)
  await kafka.restart()
}

t.test(
  'the server is killed ten times, the broker is killed, hangs and restarts: every acknowledged event is in Kafka, and each user in order',
  { timeout: 170_000 },
  async t => {
    const env = toKafka()
    const server = await startServer(t, { env })
    await server.ready()
    const load = startLoad(t, { url: server.url, eventsPerSecond })
    const [starts] = await Promise.all([killServer(server), troubleKafka(), sleep(seconds * 1000)])
    await load.stop()
    const stopped = performance.now()
    await server.drained()
    const drainMs = performance.now() - stopped
    const verdict = await verify([load], { brokers: kafka.brokers, topic: env.EVENTS_TOPIC })
    assertNothingLost(t, verdict)
    t.ok(verdict.acked > atLeast, `${verdict.acked} events were acknowledged, and more than ${atLeast} are required`)
    const seen = timing(load.answers)
    const others = Object.keys(seen.statuses).filter(status => !/^(200|503|E\w+)$/.test(status))
    t.strictSame(others, [], 'no client got another answer')
    const slowestStart = Math.max(...starts)
    tellRow(t, 'server killed, broker killed, hung, restarted', { verdict, slowestStart, drainMs, ...seen })
  }
)

t.test(
  'SIGTERM five times under load: first unready, no sent request is reset, the server ends in time with the right exit code, and nothing is lost',
  async t => {
    const env = toKafka()
    const server = await startServer(t, { env })
    await server.ready()
    const load = startLoad(t, { url: server.url, eventsPerSecond })
    let slowestExit = 0
    for (let term = 1; term <= 5; term++) {
      await sleep(seconds * 70)
      // Once, Kafka cannot confirm the accepted events, so they go to the spool.
      if (term === 3) kafka.pause()
      const exiting = server.kill('SIGTERM')
      const isUnready = async (): Promise<boolean> => (await server.readyz()).status === 503
      await t.resolves(until(isUnready, { what: 'readyz to be 503' }), 'the server is not ready before it ends')
      const exit = await exiting
      if (term === 3) kafka.resume()
      // The last line reports what remains for the next start, and so does the exit code.
      const isLeft = server.stderr.trimEnd().split('\n').at(-1)?.includes('wait for Kafka') === true
      t.match(exit, { code: isLeft ? 75 : 0, signal: null })
      if (term === 3) t.ok(isLeft, 'the server reports the events that Kafka did not confirm')
      slowestExit = Math.max(slowestExit, exit.milliseconds)
      await server.start()
    }
    await load.stop()
    await server.drained()
    t.ok(slowestExit < 10_000, `the slowest exit took ${Math.round(slowestExit)} ms`)
    const seen = timing(load.answers)
    const statuses = Object.keys(seen.statuses).filter(status => status !== '200' && status !== 'ECONNREFUSED')
    t.strictSame(statuses, [], 'every request that was not refused a connection was answered 200')
    const verdict = await verify([load], { brokers: kafka.brokers, topic: env.EVENTS_TOPIC })
    assertNothingLost(t, verdict)
    tellRow(t, 'SIGTERM', { verdict, slowestExit, ...seen })
  }
)

t.test(
  'the clock jumps an hour back and forth under load: every request is answered 200, and nothing is lost',
  async t => {
    const env = toKafka()
    const clock = join(ownFolder(t), 'clock')
    const jump = (offset: string): void => {
      writeFileSync(`${clock}.new`, offset)
      renameSync(`${clock}.new`, clock)
    }
    jump('+0')
    const server = await startServer(t, { env: { ...env, ...fakeClock(clock) } })
    await server.ready()
    t.match(await sendTwin(server.url), /^200/)
    const load = startLoad(t, { url: server.url, eventsPerSecond })
    for (const offset of ['-3600', '+3600', '+0', '+7200']) {
      await sleep(choose(1_000, 5_000))
      jump(offset)
      const jumped = async (): Promise<boolean> =>
        Math.abs((await serverTime(server.url)) - Date.now() - Number(offset) * 1000) < 5_000
      await t.resolves(
        until(jumped, { what: "the server's clock to jump" }),
        `the server's clock differs by ${offset} s`
      )
      t.match(await sendTwin(server.url), /^200/)
    }
    await load.stop()
    await server.drained()
    const seen = timing(load.answers)
    t.strictSame(Object.keys(seen.statuses), ['200'])
    const verdict = await verify([load], { brokers: kafka.brokers, topic: env.EVENTS_TOPIC })
    assertNothingLost(t, verdict)
    t.equal(verdict.duplicates, 0, 'the server recognizes an id from before the jumps')
    tellRow(t, 'clock jumps', { verdict, ...seen })
  }
)

/** The same event each time. Returns the status and the message of the answer. */
async function sendTwin(url: string): Promise<string> {
  const body = JSON.stringify({ userId: 'twin', event: 'Twin', messageId: 'twin-0' })
  const headers = { 'content-type': 'application/json', authorization: AUTHORIZATION }
  const answer = await fetch(`${url}/v1/track`, { method: 'POST', headers, body })
  return `${answer.status} ${await answer.text()}`
}

/** The time that the server reports, in whole seconds. */
async function serverTime(url: string): Promise<number> {
  return Date.parse((await fetch(url)).headers.get('date') ?? '')
}

// The broker's process keeps this process alive, so the test ends it explicitly.
t.end()
