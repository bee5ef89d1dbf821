import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { postUntilTaken } from '../../support/app.ts'
import { MAIN, run } from '../../cli/run.ts'
import { startKafka } from '../../support/kafka.ts'
import { startLoad } from '../../support/load.ts'
import { readTopic } from '../../support/kafka-topics.ts'
import { ownFolder } from '../../support/own-folder.ts'
import { AUTHORIZATION, SOURCES, startServer } from '../../support/server-process.ts'
import { until } from '../../support/until.ts'
import { verify } from '../../support/verdict.ts'
import { allWorkersUp, replaceWorkers, workerPids } from '../../support/workers.ts'

/** `npm run test:workers` runs the long form. */
const isLong = process.env['WORKERS_TEST'] === 'long'
const seconds = isLong ? 30 : 3
const eventsPerSecond = isLong ? 1_000 : 300
const workers = isLong ? 4 : 2

const kafka = await startKafka({ heap: '320m' })
t.teardown(() => kafka.stop())

await t.test(
  'workers to Kafka: one worker is killed and all are replaced under load, and every acknowledged event is stored once, except for lost answers',
  { timeout: 170_000 },
  async t => {
    const topic = 'workers'
    const brokers = kafka.brokers.join(',')
    const env = { WORKERS: String(workers), KAFKA_BROKERS: brokers, EVENTS_TOPIC: topic, PUBLISH_TIMEOUT: '5s' }
    const server = await startServer(t, { env })
    await server.ready(60_000)
    await allWorkersUp(server, workers)
    const load = startLoad(t, { url: server.url, eventsPerSecond })
    await sleep(seconds * 500)
    const [victim = 0] = workerPids(server)
    process.kill(victim, 'SIGKILL')
    const isAgain = (): boolean => workerPids(server).filter(pid => pid !== victim).length === workers
    await until(isAgain, { what: 'the killed worker to be started again', timeoutMs: 60_000 })
    await allWorkersUp(server, workers)
    await replaceWorkers(server)
    await load.stop()
    await server.drained()
    const verdict = await verify([load], { brokers: kafka.brokers, topic })
    t.match(verdict, { missing: [], unasked: 0 })
    const lost = load.answers.filter(({ status }) => status === 0).length
    t.ok(verdict.duplicates <= lost * 9, `${verdict.duplicates} copies are stored, and ${lost} answers were lost`)
    t.match(await server.kill('SIGTERM'), { code: 0 })
  }
)

await t.test(
  'events that a larger number of workers has left go to Kafka with fewer workers, and with none',
  { timeout: 170_000 },
  async t => {
    const topic = 'left-over'
    const env = { EVENTS_TOPIC: topic, WORKERS: '3', KAFKA_BROKERS: '127.0.0.1:1', PUBLISH_TIMEOUT: '50ms' }
    const server = await startServer(t, { env })
    await server.accepts(60_000)
    const expected = new Set<string>()
    const fill = async (run: string): Promise<void> => {
      for (let at = 0; at < 30; at++) {
        const event = { userId: 'u', event: 'e', messageId: `${run}-${at}` }
        // A connection of its own: another worker may take it.
        const own = { authorization: AUTHORIZATION, connection: 'close' }
        const { status } = await postUntilTaken(`${server.url}/v1/track`, event, own)
        t.equal(status, 200)
        expected.add(`${run}-${at}`)
      }
    }
    await fill('three')
    t.match(await server.kill('SIGTERM'), { code: 75 })

    await server.start({ env: { WORKERS: '1', KAFKA_BROKERS: kafka.brokers.join(',') } })
    const areSent = (): boolean => [1, 2].every(at => server.stderr.includes(`Kafka has all of worker-${at}`))
    await until(areSent, {
      what: 'the events of the folders to be sent',
      timeoutMs: 60_000,
      seen: () => server.stderr.slice(-1_000)
    })
    await server.drained()
    t.match(await server.kill('SIGTERM'), { code: 0 })

    await server.start({ env: { WORKERS: '3', KAFKA_BROKERS: '127.0.0.1:1' } })
    await fill('again')
    t.match(await server.kill('SIGTERM'), { code: 75 })
    await server.start({ env: { WORKERS: 'off', KAFKA_BROKERS: kafka.brokers.join(',') } })
    const idsInKafka = async (): Promise<string[]> => {
      const records = await readTopic(kafka.brokers, topic, { timeoutMs: 60_000 })
      return records.filter(({ key }) => key !== 'probe').map(({ headers }) => headers['messageId'] ?? '')
    }
    const isAll = async (): Promise<boolean> => new Set(await idsInKafka()).size === expected.size
    await until(isAll, { what: 'all events in Kafka', timeoutMs: 60_000, seen: () => server.stderr.slice(-1_000) })
    t.strictSame((await idsInKafka()).sort(), [...expected].sort(), 'each event is in Kafka once')
    t.match(await server.kill('SIGTERM'), { code: 0 })
  }
)

await t.test(
  'topics that Kafka refuses end a first start with 1, and the reason is reported once',
  { timeout: 100_000 },
  async t => {
    const dir = ownFolder(t, { 'tributary.yml': SOURCES })
    const brokers = kafka.brokers.join(',')
    const env = {
      WORKERS: '2',
      KAFKA_BROKERS: brokers,
      PORT: '0',
      ADMIN_PORT: '0',
      EVENTS_TOPIC: 'never-made',
      KAFKA_CREATE_TOPICS: 'false'
    }
    const { code, stderr } = await run(process.execPath, [MAIN, 'serve'], { cwd: dir, env })
    t.equal(code, 1)
    t.equal(stderr.split('\ntributary: ').length, 2, stderr)
    t.match(stderr, /topic never-made: it does not exist/)
  }
)
