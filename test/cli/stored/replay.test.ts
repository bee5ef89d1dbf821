import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import t from 'tap'
import { readTopic, startKafka } from '../../support/kafka.ts'
import { MAIN, run } from '../run.ts'

const HOURS = 24
const PER_HOUR = 50

/** A log of one day: 50 events an hour, one segment an hour. */
function writeLog(dir: string): void {
  mkdirSync(dir, { recursive: true })
  for (let hour = 0; hour < HOURS; hour++) {
    const lines = Array.from({ length: PER_HOUR }, (_, i) => {
      const receivedAt = new Date(Date.UTC(2026, 10, 23, hour, i)).toISOString()
      const event = { userId: `u${i % 5}`, event: 'E', type: 'track', messageId: `m-${hour}-${i}`, receivedAt }
      return JSON.stringify({ ...event, timestamp: receivedAt, projectId: 'web', version: 2 })
    })
    const stamp = `20261123T${String(hour).padStart(2, '0')}0000Z`
    writeFileSync(join(dir, `${stamp}-${String(hour + 1).padStart(8, '0')}.ndjson`), `${lines.join('\n')}\n`)
  }
}

t.test('replay publishes a time range of the log to a topic, and shows its progress', async t => {
  const kafka = await startKafka()
  t.teardown(() => kafka.stop())
  const dir = t.testdir({})
  writeLog(join(dir, 'data', 'events'))
  const topic = `replay-${randomUUID()}`
  const replay = (...args: string[]) =>
    run(process.execPath, [MAIN, 'replay', '--topic', topic, ...args], {
      cwd: dir,
      env: { KAFKA_BROKERS: kafka.brokers.join(',') }
    })

  const range = ['--from', '2026-11-23T06:00:00Z', '--to', '2026-11-23T12:00:00Z']
  const counted = await replay(...range, '--dry-run')
  t.match(counted.stdout, `${6 * PER_HOUR} records would be published to ${topic}, ${18 * PER_HOUR} outside`)

  const done = await replay(...range)
  t.equal(done.code, 0, done.stderr)
  t.match(done.stdout, `${6 * PER_HOUR} records published to ${topic}, ${18 * PER_HOUR} outside`)
  t.match(done.stderr, /█{30} 100 % {2}300 records/)
  const records = await readTopic(kafka.brokers, topic, { count: 6 * PER_HOUR })
  t.equal(records.length, 6 * PER_HOUR)
  const ofUser = records.filter(({ key }) => key === 'u3').map(({ headers }) => headers['messageId'])
  t.strictSame(ofUser.slice(0, 3), ['m-6-3', 'm-6-8', 'm-6-13'], 'the events of a user keep their order')
  t.match(records[0]?.headers, { type: 'track', source: 'web', receivedAt: String })
})

t.test('replay tells lines that are not records from lines outside the time range', { buffered: true }, async t => {
  const dir = t.testdir({})
  const events = join(dir, 'data', 'events')
  writeLog(events)
  const odd = ['{"userId":"u","event":"by hand"}', '{"type":"track","messageId":"m"}']
  writeFileSync(join(events, '20261124T000000Z-00000025.ndjson'), `${odd.join('\n')}\n`)
  const args = ['replay', '--topic', 'x', '--from', '2026-11-23T22:00:00Z', '--to', '2026-11-24', '--dry-run']
  const { stdout } = await run(process.execPath, [MAIN, ...args], { cwd: dir })
  const counts = `${22 * PER_HOUR} outside the time range left out, 2 lines are no records`
  t.equal(stdout, `${2 * PER_HOUR} records would be published to x, ${counts} (from events/)\n`)
})

t.test('replay names missing options', { buffered: true }, async t => {
  const dir = t.testdir({ data: { events: {} } })
  const replay = (args: string[], env = {}) => run(process.execPath, [MAIN, 'replay', ...args], { cwd: dir, env })
  t.match(await replay([]), { code: 2, stderr: /--topic is missing/ })
  t.match(await replay(['--topic', 'x', '--from', 'yesterday']), { code: 2, stderr: /--from must be a time/ })
  const broken = { KAFKA_BROKERS: 'no port', DATA_DIR: '/nowhere' }
  for (const [topic, fault] of [
    ['no spaces!', /--topic "no spaces!": a topic is made of letters/],
    ['', /--topic "": a topic is made of/],
    ['..', /Kafka takes no topic named/],
    ['x'.repeat(250), /at most 249 characters/],
    ['back.{type}', /placeholders have no meaning here/]
  ] as const) {
    t.match(await replay(['--dry-run', '--topic', topic], broken), { code: 2, stderr: fault })
  }
  t.match(await replay(['--topic', 'x', '--timeout', 'soon']), { code: 2, stderr: /--timeout must be a time/ })
  t.match(await replay(['--topic', 'x']), { code: 1, stderr: /KAFKA_BROKERS is not set/ })
  t.match(await replay(['--topic', 'x', '--dry-run', '--folder', 'spool']), { code: 1, stderr: /spool cannot be read/ })
})

t.test(
  'with Kafka, replay says in a sentence why there is nothing to replay and what can be done',
  { buffered: true },
  async t => {
    const dir = t.testdir({ data: { events: {}, spool: {} } })
    const args = [MAIN, 'replay', '--topic', 'x']
    const { code, stderr } = await run(process.execPath, args, { cwd: dir, env: { KAFKA_BROKERS: '127.0.0.1:1' } })
    t.equal(code, 1)
    t.match(
      stderr,
      /^data has no log of events: with KAFKA_BROKERS they go to Kafka alone.* earlier offset.*--folder spool/
    )
  }
)
