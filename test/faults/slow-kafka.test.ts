import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import { assertNothingLost, choose, isLong, tellRow } from '../support/faults.ts'
import { kafkaJars, runTool } from '../support/kafka-jars.ts'
import { freePort } from '../support/kafka-process.ts'
import { createTopic, readTopic, startKafka, topicOffsets, type Kafka } from '../support/kafka.ts'
import { startLibrdkafka } from '../support/librdkafka.ts'
import { startLoad, type Load } from '../support/load.ts'
import { startServer, type ServerProcess } from '../support/server-process.ts'
import { startSlowLink, type SlowLink } from '../support/slow-link.ts'
import { until } from '../support/until.ts'
import { timing, verify } from '../support/verdict.ts'

const EVENTS_PER_SECOND = 100
const QUOTA_BYTES = 3_000

let kafka: Kafka
let link: SlowLink
let topics = 0

t.before(async () => {
  const [port, near] = [await freePort(), await freePort()]
  link = await startSlowLink(t, near, () => port)
  // The broker gives clients the address of the link.
  kafka = await startKafka({ port, properties: { 'advertised.listeners': `PLAINTEXT://127.0.0.1:${near}` } })
})
t.after(() => kafka.stop())
t.afterEach(() => void (link.delayMs = 0))

async function startWithTopic(t: Parameters<typeof startServer>[0]): Promise<{ server: ServerProcess; topic: string }> {
  const topic = `slow-${++topics}`
  const env = { KAFKA_BROKERS: kafka.brokers.join(','), EVENTS_TOPIC: topic, REJECTED_TOPIC: `${topic}-rejected` }
  const server = await startServer(t, { env })
  await server.ready()
  return { server, topic }
}

for (const delayMs of [1_000, 3_000]) {
  t.test(
    `a link on which each answer takes ${delayMs / 1_000} s: each event is in Kafka once, the backlog stays small, and clients wait only for the disk`,
    async t => {
      const { server, topic } = await startWithTopic(t)
      link.delayMs = delayMs
      const load = startLoad(t, { url: server.url, eventsPerSecond: EVENTS_PER_SECOND })
      const begun = performance.now()
      let backlog = 0
      const seconds = choose(12, 60)
      for (let second = 0; second < seconds; second++) {
        await sleep(1_000)
        backlog = Math.max(backlog, await server.backlogBytes())
      }
      const { text } = await server.readyz()
      const ended = performance.now()
      const logged = server.stderr.split('\n').filter(line => line.includes('not confirmed within')).length
      await load.stop()
      link.delayMs = 0
      await server.drained()
      const verdict = await verify([load], { brokers: kafka.brokers, topic })
      assertNothingLost(t, verdict)
      t.equal(verdict.duplicates, 0, 'no event is stored twice')
      // Events that arrive during an answer wait: twice its time of events, of about 600 bytes each, and the time to
      // notice it.
      const bound = ((2 * delayMs) / 1_000 + 2) * EVENTS_PER_SECOND * 2 * 700
      t.ok(backlog < bound, `at most ${backlog} bytes waited, and ${bound} are allowed`)
      t.match(text, /has not confirmed within 750 ms/, 'readyz names the problem while it lasts')
      t.ok(logged <= 2, `the log names the problem ${logged} times`)
      const seen = timing(load.answers, { from: begun + 2_000, to: ended })
      t.strictSame(Object.keys(seen.statuses), ['200'])
      t.ok(seen.p99 < choose(250, 100), `99 % of the requests were answered within ${Math.round(seen.p99)} ms`)
      tellRow(t, `answers ${delayMs} ms late`, { verdict, backlog, ...seen })
    }
  )
}

t.test('a broker that takes 1.5 s for the first batch: each event is in Kafka once', async t => {
  const { server, topic } = await startWithTopic(t)
  kafka.pause()
  const load = startLoad(t, { url: server.url, eventsPerSecond: EVENTS_PER_SECOND })
  await sleep(1_500)
  kafka.resume()
  await until(() => load.acked.length > 200, { what: 'more than 200 acknowledged events' })
  await load.stop()
  await server.drained()
  const verdict = await verify([load], { brokers: kafka.brokers, topic })
  assertNothingLost(t, verdict)
  t.equal(verdict.duplicates, 0, 'no event is stored twice')
  tellRow(t, 'broker slow at the first batch', { verdict })
})

t.test('once Kafka has confirmed a late batch, /readyz/kafka is 200 without another event', async t => {
  const { server } = await startWithTopic(t)
  const saysKafka = async (status: number): Promise<boolean> => {
    const answer = await fetch(`${server.adminUrl}/readyz/kafka`)
    await answer.arrayBuffer()
    return answer.status === status
  }
  await server.accepts(60_000)
  kafka.pause()
  t.teardown(() => kafka.resume())
  await server.accepts(60_000)
  await until(() => saysKafka(503), { what: '/readyz/kafka to be 503', timeoutMs: 30_000 })
  kafka.resume()
  // A balancer that prefers servers by this check sends none until then.
  await until(() => saysKafka(200), { what: '/readyz/kafka to be 200 again', timeoutMs: 60_000 })
})

t.test('a quota is named, new events use all of it, and nothing is lost or sent twice', async t => {
  const { server, topic } = await startWithTopic(t)
  const send = (eventsPerSecond: number): Load => startLoad(t, { url: server.url, eventsPerSecond, padding: 100 })
  const first = send(40)
  await until(async () => (await recordsIn(topic)) > 0, { what: 'a record' })
  await first.stop()
  await setQuota(`--add-config=producer_byte_rate=${QUOTA_BYTES}`)
  const [recordsBefore, bytesBefore, begun] = [await recordsIn(topic), await bytesIn(topic), performance.now()]
  const rival = isLong ? await startRival(t, topic) : undefined
  const load = send(40)
  await until(async () => (await server.readyz()).text.includes('quota'), {
    what: 'the quota to be named',
    timeoutMs: 20_000
  })
  // After 60 s librdkafka takes a throttled request for lost.
  await sleep(choose(6_000, 50_000))
  const seconds = (performance.now() - begun) / 1_000
  const [records, bytes] = [(await recordsIn(topic)) - recordsBefore, (await bytesIn(topic)) - bytesBefore]
  // A new client may send ten seconds' worth at once. Up to a fifth goes to the framing of small requests.
  const allowed = QUOTA_BYTES * (seconds + 10)
  t.ok(bytes >= 0.8 * allowed, `${bytes} bytes were stored, and ${allowed} are allowed`)
  if (rival !== undefined) {
    const theirs = await recordsIn(rival)
    t.ok(records >= 0.9 * theirs, `${records} records of the server and ${theirs} of librdkafka were stored`)
  }
  // By then much waits. No request of it may be throttled for much longer than the quota lasts.
  await sleep(choose(0, 25_000))
  await setQuota('--delete-config=producer_byte_rate')
  await load.stop()
  await server.drained()
  const verdict = await verify([first, load], { brokers: kafka.brokers, topic })
  assertNothingLost(t, verdict)
  t.equal(verdict.duplicates, 0, 'no event is stored twice')
  tellRow(t, `quota of ${QUOTA_BYTES} bytes a second`, { verdict, bytes, seconds })
})

/**
 * librdkafka sends records like those of the server to another topic, under the same quota. Resolves with the topic when
 * it has a first record.
 */
async function startRival(t: Test, topic: string): Promise<string> {
  const rival = `${topic}-rival`
  await createTopic(kafka.brokers, rival)
  const like = (await readTopic(kafka.brokers, topic))[0]
  const of = { value: like?.value ?? '', headers: like?.headers ?? {} }
  await startLibrdkafka(t, { brokers: kafka.brokers, clientId: 'rival', topic: rival, perSecond: 40, ...of })
  await until(async () => (await recordsIn(rival)) > 0, { what: 'a record of librdkafka', timeoutMs: 30_000 })
  return rival
}

async function recordsIn(topic: string): Promise<number> {
  return (await topicOffsets(kafka.brokers, topic)).reduce((sum, { low, high }) => sum + high - low, 0)
}

async function setQuota(change: string): Promise<void> {
  const [flag = '', value = ''] = change.split(/=(.*)/)
  const tool = ['-XX:TieredStopAtLevel=1', '-cp', join(await kafkaJars(), '*'), 'kafka.admin.ConfigCommand']
  const entity = ['--entity-type', 'clients', '--entity-default', '--alter', flag, value]
  await runTool('java', [...tool, '--bootstrap-server', kafka.brokers.join(','), ...entity])
}

/** Keys, values and headers. Kafka's own framing counts for the quota too. */
async function bytesIn(topic: string): Promise<number> {
  const records = await readTopic(kafka.brokers, topic)
  return records.reduce((sum, { key, value, headers }) => {
    const inHeaders = Object.entries(headers).reduce((sum, [name, text]) => sum + name.length + text.length, 0)
    return sum + (key?.length ?? 0) + value.length + inHeaders
  }, 0)
}

t.end()
