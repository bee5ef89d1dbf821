import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import t from 'tap'
import { createTopic, deleteTopic, startKafka } from '../../support/kafka.ts'
import { duckDb } from '../../support/reading/exported.ts'
import { writeLogByHand } from '../../support/reading/log-by-hand.ts'
import { MAIN, run } from '../run.ts'
import type { Finished } from '../run.ts'

t.test('a range of a topic is exported, and each record is exported once over several runs', async t => {
  const kafka = await startKafka()
  t.teardown(() => kafka.stop())
  const dir = t.testdir({})
  const topic = `export-${randomUUID()}`
  const env = { KAFKA_BROKERS: kafka.brokers.join(','), KAFKA_PARTITIONS: '3' }
  const tributary = (args: string, dataDir = 'data'): Promise<Finished> =>
    run(process.execPath, [MAIN, ...args.split(' ')], { cwd: dir, env: { ...env, DATA_DIR: dataDir } })

  const missing = await tributary(`export --out none --topic ${topic}`)
  t.match(missing, { code: 1, stderr: new RegExp(`--topic: .*${topic}`) })

  const first = writeLogByHand(join(dir, 'data'), { segments: 3, each: 400, padding: 100 })
  t.match(await tributary(`replay --topic ${topic}`), { code: 0 })
  const exported = await tributary(`export --out all --topic ${topic} --rows 1`)
  t.match(exported, { code: 0, stdout: /^1200 rows written to all, 0 records are no events\n/ })
  t.match(exported.stderr, /100 % {2}1200 records/)
  t.match(await tributary(`export --out all --topic ${topic} --rows 1`), { code: 0, stdout: /^0 rows/ })

  const more = writeLogByHand(join(dir, 'more'), { segments: 1, each: 400, first: 4 })
  t.match(await tributary(`replay --topic ${topic}`, 'more'), { code: 0 })
  t.match(await tributary(`export --out all --topic ${topic} --rows 1`), { code: 0, stdout: /^400 rows/ })
  const rows = await duckDb(dir, "select message_id from 'all/events/*.parquet' order by 1")
  t.strictSame(rows.flat(), [...first, ...more].toSorted(), 'each record is exported once')

  const range = `export --out some --topic ${topic} --from 2026-11-23T02:00:00Z --to 2026-11-23T03:00:00Z`
  t.match(await tributary(range), { code: 0, stdout: /^400 rows/ })

  await deleteTopic(kafka.brokers, topic)
  await createTopic(kafka.brokers, topic)
  t.match(await tributary(`replay --topic ${topic}`, 'more'), { code: 0 })
  t.match(await tributary(`export --out all --topic ${topic} --rows 1`), {
    code: 1,
    stderr: new RegExp(`topic ${topic} was made anew`)
  })
})

t.test('if Kafka cannot be reached, the command says so in a sentence', async t => {
  const dir = t.testdir({})
  const args = [MAIN, 'export', '--out', 'x', '--topic', 'tributary.events']
  const { code, stderr } = await run(process.execPath, args, { cwd: dir, env: { KAFKA_BROKERS: '127.0.0.1:1' } })
  t.equal(code, 1)
  t.match(stderr, /127\.0\.0\.1:1/)
})
