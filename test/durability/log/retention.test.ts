import { rmSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { SegmentLog } from '../../../src/durability/log/contract.ts'
import { startRetention } from '../../../src/durability/log/retention.ts'
import type { RetentionPolicy } from '../../../src/durability/log/retention.ts'
import { createHandClock, createLogLines, idsOnDisk, lineOf, openLog, linesFrom } from '../../support/event-log.ts'
import { until } from '../../support/until.ts'

const HOUR = 3_600_000

/** Appends one line to each segment and sets the date of each file, oldest first, an hour apart, the last one now. */
async function fill(log: SegmentLog, clock: { wall: number }, ids: readonly number[]): Promise<void> {
  for (const [index, id] of ids.entries()) {
    const { file } = await log.append(linesFrom([lineOf(id)]))
    const written = (clock.wall - (ids.length - 1 - index) * HOUR) / 1_000
    utimesSync(join(log.dir, file), written, written)
  }
}

async function check(logs: readonly SegmentLog[], policy: RetentionPolicy, clock = createHandClock()) {
  const lines = createLogLines()
  const stop = startRetention({ logs, policy, clock, log: lines })
  await stop()
  return lines.lines
}

t.test(
  'closed segments that are too old are deleted, oldest first, each with a log line; the active segment stays',
  async t => {
    const clock = createHandClock()
    const log = await openLog(t.testdir(), { maxSegmentBytes: 9 })
    t.teardown(() => log.close())
    await fill(log, clock, [1, 2, 3, 4, 5])

    t.match(await check([log], { ageMs: 2.5 * HOUR }, clock), [
      { level: 'info', fields: { reason: 'age', bytes: 9 } },
      { level: 'info', fields: { reason: 'age', bytes: 9 } }
    ])
    t.strictSame(idsOnDisk(log.dir), [3, 4, 5])
    clock.wall += 1_000 * HOUR
    await check([log], { ageMs: HOUR }, clock)
    t.strictSame(idsOnDisk(log.dir), [5], 'the active segment is kept, whatever its age')
  }
)

t.test('above the maximum size, the oldest closed segments of all folders are deleted first', async t => {
  const dir = t.testdir()
  const clock = createHandClock()
  const events = await openLog(join(dir, 'events'), { maxSegmentBytes: 9, clock })
  const rejected = await openLog(join(dir, 'rejected'), { maxSegmentBytes: 9, clock })
  t.teardown(() => Promise.all([events.close(), rejected.close()]))
  for (const id of [1, 2, 3, 4]) {
    await (id % 2 === 0 ? events : rejected).append(linesFrom([lineOf(id)]))
    await (id % 2 === 0 ? rejected : events).append(linesFrom([lineOf(id + 4)]))
    clock.wall += HOUR
  }
  t.match(await check([events, rejected], { bytes: 45 }), [
    { fields: { reason: 'size' } },
    { fields: { reason: 'size' } },
    { fields: { reason: 'size' } }
  ])
  t.strictSame(
    [idsOnDisk(events.dir), idsOnDisk(rejected.dir)],
    [
      [7, 4],
      [6, 3, 8]
    ]
  )
  t.equal(events.bytes() + rejected.bytes(), 45)
  await check([events, rejected], { bytes: 0 })
  t.equal(events.bytes() + rejected.bytes(), 18, 'the active segments are kept, whatever their size')
})

t.test(
  'a log that fills fast is kept within its size at the end of each segment, and not only once a minute',
  async t => {
    const clock = createHandClock()
    const log = await openLog(t.testdir(), { maxSegmentBytes: 9 })
    const stop = startRetention({ logs: [log], policy: { bytes: 27 }, clock, log: createLogLines() })
    t.teardown(async () => {
      await stop()
      await log.close()
    })
    for (let id = 0; id < 10; id++) await log.append(linesFrom([lineOf(id)]))
    await until(() => log.bytes() <= 27, { what: 'old segments to be deleted' })
    t.strictSame(idsOnDisk(log.dir), [7, 8, 9])
  }
)

t.test('without a policy everything is kept permanently', async t => {
  const clock = createHandClock()
  const log = await openLog(t.testdir(), { maxSegmentBytes: 9 })
  t.teardown(() => log.close())
  await fill(log, clock, [1, 2, 3])
  clock.wall += 1_000_000 * HOUR
  t.strictSame(await check([log], {}, clock), [])
  t.strictSame(idsOnDisk(log.dir), [1, 2, 3])
})

t.test('a segment that somebody else deleted causes no error', async t => {
  const clock = createHandClock()
  const log = await openLog(t.testdir(), { maxSegmentBytes: 9 })
  t.teardown(() => log.close())
  await fill(log, clock, [1, 2, 3])
  rmSync(join(log.dir, log.segments()[0]?.file ?? ''))
  await check([log], { ageMs: 0.5 * HOUR }, clock)
  t.strictSame(idsOnDisk(log.dir), [3])
})
