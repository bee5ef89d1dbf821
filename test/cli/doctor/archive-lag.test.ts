import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { Archiver } from '../../../src/durability/archive/archiver.ts'
import { startApp } from '../../support/app.ts'
import { createLogLines } from '../../support/event-log.ts'
import { createTopic, deleteRecords, produceValues, startKafka, topicOffsets } from '../../support/kafka.ts'
import { ownFolder } from '../../support/own-folder.ts'
import { startServer } from '../../support/server-process.ts'
import { until } from '../../support/until.ts'
import { MAIN, run } from '../run.ts'

const WAIT = { timeoutMs: 60_000 }
const FILE = 'sources:\n  - id: web\n    writeKeys: [wk_aVeryLongWriteKeyForTheShop1]\n'
const HOUR_MS = 3_600_000

const kafka = await startKafka()
t.teardown(() => kafka.stop())

/** An archive that has read all of a topic with two partitions, and what doctor says of it. */
async function archived(t: Test) {
  const topic = `events-${randomUUID()}`
  await createTopic(kafka.brokers, topic, { partitions: 2 })
  const dir = ownFolder(t, { 'tributary.yml': FILE })
  const archive = join(dir, 'archive')
  const env = { KAFKA_BROKERS: kafka.brokers.join(','), EVENTS_TOPIC: topic, ARCHIVE: archive }
  let number = 0
  const publish = (events: number, at: number): Promise<void> =>
    produceValues(
      kafka.brokers,
      topic,
      Array.from({ length: events }, () => ({
        partition: number % 2,
        key: 'u',
        value: JSON.stringify({ type: 'track', event: 'E', userId: 'u', messageId: `m-${number++}` }),
        timestamp: String(at)
      }))
    )
  await publish(10, Date.now() - HOUR_MS)
  const archiver = new Archiver({
    dir: archive,
    settings: { brokers: kafka.brokers, clientId: 'archive-test' },
    topics: () => [topic],
    retention: {},
    clock: { now: Date.now, monotonic: () => performance.now() },
    log: createLogLines(),
    segmentAgeMs: 0,
    pauseMs: 50
  })
  await until(() => archiver.levels().bytes > 0, { what: 'the archive to be written', ...WAIT })
  await archiver.close()
  return {
    dir,
    env,
    publish,
    async deleteAll(): Promise<void> {
      const ends = await topicOffsets(kafka.brokers, topic)
      const cuts = ends.map(({ partition, high }) => ({ partition, offset: String(high) }))
      await deleteRecords(kafka.brokers, topic, cuts)
    },
    async doctor(): Promise<string> {
      const { stdout } = await run(process.execPath, [MAIN, 'doctor'], {
        cwd: dir,
        env: { ...env, PORT: '64998', ADMIN_PORT: '64999' }
      })
      return stdout
        .split('\n')
        .filter(line => line.includes('ARCHIVE '))
        .join('\n')
    }
  }
}

t.test(
  'doctor says how many records Kafka has that the archive lacks, those that are late, and those that are gone',
  async t => {
    const { publish, deleteAll, doctor } = await archived(t)
    t.match(await doctor(), /✓ archive +ARCHIVE has still to read 0 records of Kafka/)
    await publish(4, Date.now() - HOUR_MS)
    t.match(await doctor(), /! archive +ARCHIVE lacks 4 records that Kafka has had for more than 15 minutes/)
    await publish(6, Date.now())
    t.match(await doctor(), /! archive +ARCHIVE lacks 4 records that/, 'records of the last minutes are not reported')
    await deleteAll()
    await publish(3, Date.now())
    const said = await doctor()
    t.match(said, /! archive +Kafka has deleted 10 records that ARCHIVE has not read: they will be missing in it/)
    t.match(said, /✓ archive +ARCHIVE has still to read 3 records of Kafka/)
  }
)

t.test('Overview shows the archive, and that Kafka has deleted records before it read them', async t => {
  const { dir, env, publish, deleteAll } = await archived(t)
  await publish(8, Date.now())
  await deleteAll()
  await publish(2, Date.now())
  const server = await startServer(t, { dir, env })
  interface Overview {
    readonly state: { readonly archive: { readonly lost: number } | null }
    readonly advice: readonly { readonly says: string }[]
  }
  const overview = async () => (await (await fetch(`${server.adminUrl}/api/overview`)).json()) as Overview
  let last = await overview()
  const isSeen = async (): Promise<boolean> => (last = await overview()).state.archive?.lost === 8
  await until(isSeen, { what: 'the page to show the lost records', ...WAIT, seen: () => JSON.stringify(last.state) })
  const { state, advice } = last
  t.match(state.archive, { bytes: Number, behind: Number, lost: 8, growing: true })
  t.ok(advice.some(({ says }) => says === 'Kafka has deleted 8 records before the archive read them'))
})

t.test('Overview of a server without an archive has none', async t => {
  const server = await startApp(t)
  const { state } = (await (await fetch(`${server.adminUrl}/api/overview`)).json()) as { state: object }
  t.match(state, { archive: null })
})
