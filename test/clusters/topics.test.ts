/**
 * `topics` in tributary.yml: the topics that the server creates, what `tributary topics diff` reports, and what `apply`
 * changes.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startApp } from '../support/app.ts'
import { startKafka, createTopic } from '../support/kafka.ts'
import { MAIN, run } from '../cli/run.ts'
import { until } from '../support/until.ts'

const kafka = await startKafka({})
t.teardown(() => kafka.stop())

const SOURCES = 'sources:\n  - id: web\n    writeKeys: [wk_test]\n'
const TOPICS = `topics:
  - name: tributary.*
    partitions: 3
    retention: 7d
  - name: tributary.rejected
    partitions: 2
    retention: keep
    cleanupPolicy: delete
    maxMessageBytes: 2000000
    minInsyncReplicas: 1
`
const folder = t.testdir({ 'tributary.yml': SOURCES + TOPICS })
const env = { KAFKA_BROKERS: kafka.brokers.join(','), CONFIG_FILE: join(folder, 'tributary.yml') }
const topics = (command: string, ...args: string[]) =>
  run(process.execPath, [MAIN, 'topics', command, ...args], { cwd: folder, env })

t.test('diff names what is missing, and creates nothing', async t => {
  for (let times = 0; times < 2; times++) {
    const { code, stdout } = await topics('diff')
    t.equal(code, 1)
    t.match(stdout, /^tributary\.events: topic is missing, wanted: 3 partitions, retention\.ms=604800000$/m)
    t.match(
      stdout,
      /^tributary\.rejected: topic is missing, wanted: 2 partitions, retention\.ms=-1, .*max\.message\.bytes=2000000/m
    )
  }
})

t.test('the server creates topics as the file says, the most specific entry first', async t => {
  const { app } = await startApp(t, {
    config: SOURCES + TOPICS,
    sink: 'configured',
    env: { KAFKA_BROKERS: env.KAFKA_BROKERS }
  })
  t.strictSame(await app.topicProblems(), [])
  const isThere = async (): Promise<boolean> => (await topics('diff')).code === 0
  await until(isThere, { what: 'the topics of the file', timeoutMs: 60_000 })
})

t.test('diff shows an edit and apply makes it; what cannot be changed is left and reported', async t => {
  const edited = TOPICS.replace('partitions: 3', 'partitions: 4').replace('retention: 7d', 'retention: 12h')
  writeFileSync(env.CONFIG_FILE, SOURCES + edited)
  const diff = await topics('diff', '--json')
  t.strictSame(JSON.parse(diff.stdout), [
    { topic: 'tributary.events', what: 'partitions', is: '3', wanted: '4' },
    { topic: 'tributary.events', what: 'retention.ms', is: '604800000', wanted: '43200000' }
  ])
  t.match(await topics('apply', '--dry-run'), { code: 1, stderr: /2 differences/ })
  t.match(await topics('diff'), { code: 1 }, 'a dry run changes nothing')
  t.match(await topics('apply'), { code: 0 })
  t.match(await topics('diff'), { code: 0, stdout: 'the topics are as tributary.yml says\n' })

  writeFileSync(env.CONFIG_FILE, SOURCES + edited.replace('partitions: 4', 'partitions: 2\n    replication: 3'))
  const left = await topics('apply')
  t.equal(left.code, 1)
  t.match(left.stdout, /partitions is 4, wanted: 2 \(Kafka takes no partition away\)/)
  t.match(left.stdout, /replication is 1, wanted: 3 \(moving replicas is for kafka-reassign-partitions\.sh\)/)
})

t.test('a topic that the file does not name has no differences', async t => {
  await createTopic(kafka.brokers, 'other.events', { partitions: 9, config: { 'retention.ms': '1000' } })
  const { stdout } = await run(process.execPath, [MAIN, 'topics', 'diff'], {
    cwd: folder,
    env: { ...env, EVENTS_TOPIC: 'other.events' }
  })
  t.notMatch(stdout, /other\.events/)
})
