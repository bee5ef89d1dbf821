import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import t from 'tap'
import { readTopic, startKafka } from '../../support/kafka.ts'
import { startLoad } from '../../support/load.ts'
import { readMetrics, sumOf } from '../../support/metrics.ts'
import { duckDb } from '../../support/reading/exported.ts'
import { startServer } from '../../support/server-process.ts'
import { until } from '../../support/until.ts'
import { allWorkersUp } from '../../support/workers.ts'
import { MAIN, run } from '../run.ts'

const WAIT = { timeoutMs: 60_000 }

t.test('with ARCHIVE the commands find every event of Kafka on disk, and forget removes a user', async t => {
  const kafka = await startKafka()
  t.teardown(() => kafka.stop())
  // On a slow machine events could go through the spool. Prevented, so that DATA_DIR holds nothing about a user.
  const brokers = {
    PUBLISH_TIMEOUT: '1m',
    KAFKA_BROKERS: kafka.brokers.join(','),
    EVENTS_TOPIC: `events-${randomUUID()}`
  }
  const server = await startServer(t, { env: brokers })
  const archive = join(server.dir, 'archive')
  const env = { ...brokers, ARCHIVE: archive, DATA_DIR: server.dataDir, CONFIG_FILE: server.configFile }
  const tributary = (...args: string[]) => run(process.execPath, [MAIN, ...args], { cwd: server.dir, env })
  const idsOf = async (topic: string): Promise<string[]> => {
    const records = await readTopic(kafka.brokers, topic, WAIT)
    return records.map(({ headers }) => headers['messageId'] ?? '').toSorted()
  }
  const replayed = async (): Promise<string[]> => {
    const topic = `backfill-${randomUUID()}`
    const { code, stderr } = await tributary('replay', '--topic', topic)
    t.equal(code, 0, stderr)
    return idsOf(topic)
  }
  const load = async (events: number): Promise<readonly { readonly id: string; readonly user: string }[]> => {
    const { acked, stop } = startLoad(t, { url: server.url, eventsPerSecond: 300 })
    await until(() => acked.length >= events, { what: `${events} acknowledged events`, ...WAIT })
    await stop()
    await server.drained()
    return acked
  }

  /** Stops the server. Events that it has not read on a slow machine are read after its next start. */
  const stopWhole = async (): Promise<string[]> => {
    await server.kill('SIGTERM')
    const all = await idsOf(brokers.EVENTS_TOPIC)
    const isWhole = async (): Promise<boolean> => {
      const { stdout } = await tributary('replay', '--topic', 'x', '--dry-run', '--json')
      if ((JSON.parse(stdout) as { published: number }).published >= all.length) return true
      await server.start()
      await server.kill('SIGTERM')
      return false
    }
    await until(isWhole, { what: 'the complete archive', timeoutMs: 120_000 })
    return all
  }

  const none = await tributary('replay', '--topic', 'x', '--dry-run')
  t.match(none, { code: 1, stderr: /archive cannot be read: there is no archive/ })
  const before = await load(200)
  await server.kill('SIGTERM')
  await server.start({ env: { ...env, WORKERS: '2' } })
  await allWorkersUp(server, 2)
  const first = await load(600)
  const inTopic = await stopWhole()
  const found = await replayed()
  t.strictSame(found, inTopic, 'each record of both workers and of the time before ARCHIVE is found once')
  const early = new Set(found)
  t.strictSame(
    [...before, ...first].filter(({ id }) => !early.has(id)),
    [],
    'every event that was answered 200 is found'
  )

  const exported = (rows: number): RegExp => new RegExp(`^${rows} rows written to out`)
  t.match(await tributary('export', '--out', 'out', '--archive'), { code: 0, stdout: exported(found.length) })
  t.match(await tributary('export', '--out', 'out', '--archive'), { code: 0, stdout: exported(0) })
  await server.start({ env: { WORKERS: 'off' } })
  await server.ready()
  await load(200)
  await until(async () => sumOf(await readMetrics(server.adminUrl), 'tributary_archive_up') === 1, {
    what: 'the archive to run',
    ...WAIT
  })
  t.ok(sumOf(await readMetrics(server.adminUrl), 'tributary_archive_bytes') > 0)
  t.match(await tributary('doctor'), {
    stdout: new RegExp(`ARCHIVE \\(${archive}\\) holds \\d+ segments?, \\d+ bytes, the last until `)
  })
  const [{ user } = { user: '' }] = first
  t.match(await tributary('forget', '--user', user), {
    code: 1,
    stderr: /would go from .* and .*archive, which a server uses/
  })
  const everything = await stopWhole()
  t.strictSame(everything, await replayed())
  t.match(await tributary('export', '--out', 'out', '--archive'), {
    code: 0,
    stdout: exported(everything.length - found.length)
  })
  const rows = await duckDb(server.dir, "select message_id from 'out/events/*.parquet' order by 1")
  t.strictSame(rows.flat(), everything, 'the tables contain the same events')
  const lines =
    "read_csv('archive/*.ndjson.zst', columns = {'line': 'VARCHAR'}, delim = '\\x01', quote = '', escape = '', header = false, auto_detect = false)"
  const inDuckDb = await duckDb(
    server.dir,
    `select line->>'$.messageId' from ${lines} where json_valid(line) order by 1`
  )
  t.strictSame(inDuckDb.flat(), everything, 'the query of docs/reading.md finds the same events')

  const isOther = (id: string): boolean => !id.startsWith(`${user}-`)
  const gone = everything.filter(id => !isOther(id)).length
  t.match(await tributary('forget', '--user', user, '--dry-run'), {
    code: 0,
    stdout: new RegExp(`^${gone} records of `)
  })
  t.match(await tributary('forget', '--user', user), { code: 0, stdout: new RegExp(`^${gone} records of `) })
  t.strictSame(await replayed(), everything.filter(isOther), 'all records of other users are kept')
})
