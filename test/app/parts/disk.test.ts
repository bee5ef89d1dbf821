/** The time until a permanent log fills the disk is shown on Overview, in `doctor` and at the start. */
import { mkdirSync, openSync, closeSync, ftruncateSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import t from 'tap'
import type { Test } from 'tap'
import { readDiskUsage, logDiskForecast, watchDisk } from '../../../src/app/parts/disk.ts'
import { readEnvironment } from '../../../src/config/env/environment.ts'
import { adviceFor, diskView } from '../../../src/debugger/api/advice.ts'
import { segmentName } from '../../../src/durability/log/segment/segment-name.ts'
import { describeTimeUntilFull } from '../../../src/model/operations/disk-words.ts'
import { MAIN, run } from '../../cli/run.ts'

const HOUR_MS = 60 * 60 * 1000
const DAY_MS = 24 * HOUR_MS

interface Written {
  /** When the segment was created, in milliseconds before now. */
  readonly agoMs: number
  readonly bytes: number
  readonly folder?: string
}

/** A data folder with sparse segments, which use no disk space. */
function dataWith(t: Test, segments: readonly Written[]): string {
  const dir = t.testdir({})
  for (const [sequence, { agoMs, bytes, folder = 'events' }] of segments.entries()) {
    mkdirSync(join(dir, 'data', folder), { recursive: true })
    const name = segmentName({ now: Date.now() - agoMs, sequence, after: undefined })
    const file = openSync(join(dir, 'data', folder, name), 'w')
    ftruncateSync(file, bytes)
    closeSync(file)
  }
  return dir
}

async function freeBytes(dir: string): Promise<number> {
  const { bavail, bsize } = await statfs(dir)
  return bavail * bsize
}

const configOf = (dir: string, env: Record<string, string> = {}) =>
  readEnvironment({ DATA_DIR: join(dir, 'data'), ...env })

/** The listener that shows it. */
function adminOf(t: Test): FastifyInstance {
  const admin = Fastify()
  t.teardown(() => admin.close())
  return admin
}

/** A log that began a day ago and fills the free space in nine and a half days. */
async function nineDays(t: Test): Promise<string> {
  const dir = t.testdir({})
  return dataWith(t, [{ agoMs: DAY_MS, bytes: Math.round((await freeBytes(dir)) / 9.5) }])
}

t.test('The time until the disk is full is computed from what was written in the last day', async t => {
  const free = await freeBytes(t.testdirName.replace(/\/[^/]*$/, ''))
  const part = Math.round(free / 100)
  const daysOf = async (segments: readonly Written[], env = {}): Promise<number> => {
    const { fullInMs = Number.NaN } = await readDiskUsage(configOf(dataWith(t, segments), env), Date.now())
    return fullInMs / DAY_MS
  }
  const near = (found: number, wanted: number, what: string): void => {
    t.ok(Math.abs(found / wanted - 1) < 0.1, `${what}: the result is ${found} days, and ${wanted} days are expected`)
  }
  near(await daysOf([{ agoMs: DAY_MS, bytes: part }]), 100, 'one segment')
  const older = { agoMs: 300 * DAY_MS, bytes: 50 * part }
  near(await daysOf([older, { agoMs: DAY_MS, bytes: part }]), 100, 'with older segments, which are ignored')
  const both = [12, 24].map(hours => ({ agoMs: hours * HOUR_MS, bytes: part })).toReversed()
  near(await daysOf(both), 50, 'several segments')
  const rejected = { agoMs: DAY_MS, bytes: part, folder: 'rejected' }
  near(await daysOf([{ agoMs: DAY_MS, bytes: part }, rejected]), 50, 'with rejected records')
  const ofWorkers = [0, 1].map(index => ({ agoMs: DAY_MS, bytes: part, folder: `worker-${index}/events` }))
  near(await daysOf(ofWorkers), 50, 'with the folders of all workers')
  near(await daysOf([{ agoMs: 10 * DAY_MS, bytes: part }]), 1000, 'a slow log, measured since its last segment began')
  t.ok(Number.isNaN(await daysOf([{ agoMs: 60_000, bytes: part }])), 'a minute is too short for an estimate')
  t.ok(Number.isNaN(await daysOf([{ agoMs: DAY_MS, bytes: 0 }])), 'without written bytes there is no estimate')
})

t.test('No time is shown if something limits the growth', async t => {
  const dir = await nineDays(t)
  const ends: Record<string, string>[] = [
    { LOG_RETENTION: '7d' },
    { LOG_RETENTION: '1GiB' },
    { KAFKA_BROKERS: '127.0.0.1:9' }
  ]
  for (const env of ends) {
    t.equal((await readDiskUsage(configOf(dir, env), Date.now())).fullInMs, undefined, JSON.stringify(env))
  }
})

t.test('Durations are written in everyday units', async t => {
  t.equal(describeTimeUntilFull(undefined), undefined)
  t.equal(describeTimeUntilFull(366 * DAY_MS), undefined, 'a disk that is full after more than a year is not reported')
  t.equal(describeTimeUntilFull(9.9 * DAY_MS), 'full in 9 days at this rate')
  t.equal(describeTimeUntilFull(2 * DAY_MS), 'full in 2 days at this rate')
  t.equal(describeTimeUntilFull(2 * DAY_MS - 1), 'full in 47 hours at this rate')
  t.equal(describeTimeUntilFull(HOUR_MS), 'full in 1 hour at this rate')
  t.equal(describeTimeUntilFull(HOUR_MS - 1), 'full in less than an hour at this rate')
})

t.test('The overview, doctor and the log at the start use the same words', async t => {
  const dir = await nineDays(t)
  const config = configOf(dir)
  const watch = await watchDisk(config, adminOf(t))
  const disk = watch.reading()
  t.match(diskView(disk), { freeBytes: Number, sizeBytes: Number, forecast: 'full in 9 days at this rate' })
  const probe = { health: { ready: true, problems: [] }, draining: false, backlog: undefined, disk, archive: undefined }
  const advice = adviceFor({ ...probe, dedupe: { ids: 0, maxIds: 1 } }, [], Date.now())
  t.match(advice, [{ level: 'warning', says: 'the disk is full in 9 days at this rate', todo: /LOG_RETENTION/ }])

  const lines: string[] = []
  await logDiskForecast(config, pino({}, { write: (line: string) => void lines.push(line) }))
  t.match(JSON.parse(lines[0] ?? ''), {
    level: 40,
    msg: /^the disk is full in 9 days at this rate; LOG_RETENTION=keep/
  })

  const { stdout } = await run(process.execPath, [MAIN, 'doctor'], {
    cwd: dir,
    env: { PORT: '64998', ADMIN_PORT: '64999' }
  })
  t.match(stdout, /! disk +the disk of .* is full in 9 days at this rate: LOG_RETENTION=keep.*\n +→ Set LOG_RETENTION/)
})

t.test('A folder that cannot be read does not end the check', async t => {
  const config = configOf(join(t.testdir({}), 'missing'))
  const watch = await watchDisk(config, adminOf(t))
  t.equal(watch.reading(), undefined)
  t.equal(diskView(undefined), null)
  await logDiskForecast(config, pino({ level: 'silent' }))
})
