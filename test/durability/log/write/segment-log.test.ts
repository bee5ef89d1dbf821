import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { isSinkUnavailable } from '../../../../src/model/sink.ts'
import { POSITION_FILE } from '../../../../src/durability/log/segment/position-file.ts'
import {
  createHandClock,
  createLogLines,
  failureOf,
  idsOnDisk,
  lineOf,
  linesOf,
  openLog,
  savePosition,
  segmentFiles,
  until,
  linesFrom
} from '../../../support/event-log.ts'

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

t.test('appended lines are whole lines of the segment file when append resolves', async t => {
  const dir = join(t.testdir(), 'events')
  const log = await openLog(dir)
  t.teardown(() => log.close())

  const first = await log.append(linesFrom(linesOf(['a', 'b'])))
  t.strictSame(idsOnDisk(dir), ['a', 'b'])
  const second = await log.append(linesFrom([lineOf('c')]))

  t.match(first.file, /^20261123T114300Z-00000001\.ndjson$/)
  t.equal(first.offset, 0)
  t.strictSame(second, { file: first.file, offset: lineOf('a').length * 2 })
  t.strictSame(idsOnDisk(dir), ['a', 'b', 'c'])
  t.equal(log.bytes(), lineOf('a').length * 3)
  t.equal(log.queuedBytes(), 0)
})

t.test('many appends at once share few fsyncs and keep their order', async t => {
  const dir = t.testdir()
  const commits: { bytes: number; records: number }[] = []
  const log = await openLog(dir, { onCommit: commit => commits.push(commit) })
  t.teardown(() => log.close())

  const positions = await Promise.all(numbers(2_000).map(id => log.append(linesFrom(linesOf([id, `${id}b`], id % 50)))))

  t.strictSame(
    idsOnDisk(dir),
    numbers(2_000).flatMap(id => [id, `${id}b`])
  )
  t.ok(commits.length <= 5, `2,000 appends in one turn needed ${commits.length} fsyncs`)
  t.equal(
    commits.reduce((sum, commit) => sum + commit.records, 0),
    4_000
  )
  const content = readFileSync(join(dir, segmentFiles(dir)[0] ?? ''))
  t.ok(
    positions.every(({ offset }, id) => content.subarray(offset).toString().startsWith(`{"id":${id}`)),
    'each append returns the position of its first line'
  )
})

t.test('lines that arrive while a group is written are committed with the next group, not one by one', async t => {
  const log = await openLog(t.testdir(), { onCommit: () => (commits += 1) })
  let commits = 0
  t.teardown(() => log.close())

  const all: Promise<unknown>[] = []
  for (let turn = 0; turn < 200; turn += 1) {
    for (const id of numbers(10)) all.push(log.append(linesFrom([lineOf(`${turn}-${id}`)])))
    await new Promise(resolve => setImmediate(resolve))
  }
  await Promise.all(all)
  t.ok(commits <= 201, `2,000 appends in 200 turns needed ${commits} fsyncs`)
})

t.test('a closed log holds everything that was appended before, and refuses more with SinkUnavailable', async t => {
  const dir = t.testdir()
  const log = await openLog(dir)
  const handedIn = numbers(100).map(id => log.append(linesFrom([lineOf(id)])))
  await Promise.all([log.close(), log.close()])
  await Promise.all(handedIn)

  t.strictSame(idsOnDisk(dir), numbers(100))
  t.ok(isSinkUnavailable(await failureOf(log.append(linesFrom([lineOf('late')])))))
  t.equal(log.health().ready, false)
})

t.test(
  'a reopened log keeps its content and continues in a new segment after it, also if the clock ran back',
  async t => {
    const dir = t.testdir()
    const clock = createHandClock()
    for (const id of numbers(4)) {
      const log = await openLog(dir, { clock })
      await log.append(linesFrom([lineOf(id)]))
      await log.close()
      clock.wall -= 3_600_000
    }
    t.strictSame(
      segmentFiles(dir),
      numbers(4).map(id => `20261123T114300Z-0000000${id + 1}.ndjson`)
    )
    t.strictSame(idsOnDisk(dir), numbers(4))
  }
)

t.test('a segment is closed before it exceeds its size', async t => {
  const dir = t.testdir()
  const log = await openLog(dir, { maxSegmentBytes: 100 })
  t.teardown(() => log.close())
  for (const id of numbers(40)) await log.append(linesFrom([lineOf(id + 100)]))

  const sizes = segmentFiles(dir).map(file => statSync(join(dir, file)).size)
  t.ok(
    sizes.every(size => size <= 100),
    `no segment exceeds 100 bytes: ${sizes.join(', ')}`
  )
  t.ok(
    sizes.slice(0, -1).every(size => size > 80),
    'each closed segment has more than 80 bytes'
  )
  t.strictSame(
    idsOnDisk(dir),
    numbers(40).map(id => id + 100)
  )
  t.strictSame(
    log.segments().map(segment => segment.closed),
    sizes.map((_, index) => index < sizes.length - 1)
  )
})

t.test('a segment is closed when it is old by the monotonic clock, whatever the wall clock says', async t => {
  const dir = t.testdir()
  const clock = createHandClock()
  const log = await openLog(dir, { clock, maxSegmentAgeMs: 1_000, housekeepingMs: 5 })
  t.teardown(() => log.close())

  await log.append(linesFrom([lineOf(1)]))
  clock.wall += 86_400_000
  clock.steady = 999
  await log.append(linesFrom([lineOf(2)]))
  t.equal(segmentFiles(dir).length, 1, 'a jump of the wall clock closes no segment')
  clock.steady = 1_000
  await until(() => log.segments()[0]?.closed === true)
  await log.append(linesFrom([lineOf(3)]))
  t.strictSame(segmentFiles(dir), ['20261123T114300Z-00000001.ndjson', '20261124T114300Z-00000002.ndjson'])
})

t.test('rotate() ends the segment after the writes in flight, and an idle log at once', async t => {
  const dir = t.testdir()
  const log = await openLog(dir)
  t.teardown(() => log.close())
  const first = log.append(linesFrom([lineOf(1)]))
  log.rotate()
  await first
  t.equal(log.segments()[0]?.closed, true)
  await log.append(linesFrom([lineOf(2)]))
  log.rotate()
  t.strictSame(
    log.segments().map(segment => segment.closed),
    [true, true]
  )
  t.equal(segmentFiles(dir).length, 2)
})

t.test('appends above maxQueueBytes are refused while others are in flight, and accepted again afterwards', async t => {
  const log = await openLog(t.testdir(), { maxQueueBytes: 1_000 })
  t.teardown(() => log.close())
  const big = log.append(linesFrom([lineOf('big', 5_000)]))
  t.ok(isSinkUnavailable(await failureOf(log.append(linesFrom([lineOf('more')])))))
  await big
  await log.append(linesFrom([lineOf('more')]))
})

t.test('a log at maxBytes refuses appends, says so, and accepts them again once segments are removed', async t => {
  const dir = t.testdir()
  const lines = createLogLines()
  const log = await openLog(dir, { maxBytes: 1_000, log: lines })
  t.teardown(() => log.close())
  await log.append(linesFrom([lineOf('a', 900)]))

  const refused = await failureOf(log.append(linesFrom([lineOf('b', 200)])))
  t.ok(isSinkUnavailable(refused))
  await failureOf(log.append(linesFrom([lineOf('b', 200)])))
  t.match(log.health(), { ready: false, problems: [/is full/] })
  t.equal(lines.lines.filter(line => /is full/.test(line.message)).length, 1, 'the full log is logged once')

  await log.remove([...log.segments()])
  t.strictSame(segmentFiles(dir), [])
  t.equal(log.bytes(), 0)
  t.match(log.health(), { ready: true })
  await log.append(linesFrom([lineOf('b', 200)]))
})

t.test(
  'remove() keeps a segment that has grown or is being written, and removes the checksums with a segment',
  async t => {
    const dir = t.testdir()
    const log = await openLog(dir)
    t.teardown(() => log.close())
    const { file } = await log.append(linesFrom([lineOf(1)]))
    const seen = { file, bytes: log.bytes() }
    await log.append(linesFrom([lineOf(2)]))
    await log.remove([seen])
    t.strictSame(idsOnDisk(dir), [1, 2], 'a segment that has grown is kept')

    const writing = log.append(linesFrom([lineOf(3)]))
    await log.remove([{ file, bytes: 1_000 }])
    await writing
    t.strictSame(idsOnDisk(dir), [1, 2, 3], 'a segment that is being written is kept')

    await log.remove([
      { file, bytes: 1_000 },
      { file: 'unknown', bytes: 1 }
    ])
    t.strictSame(readdirSync(dir), [])
  }
)

t.test('checksums are written when the log becomes idle, and soon if it does not', async t => {
  const dir = t.testdir()
  const log = await openLog(dir)
  t.teardown(() => log.close())
  const { file } = await log.append(linesFrom([lineOf(0)]))
  const written = (): number =>
    statSync(join(dir, file.replace('.ndjson', '.crc')), { throwIfNoEntry: false })?.size ?? 0
  await until(() => written() === 16)

  let isBusy = true
  let lines = 1
  const load = async (): Promise<void> => {
    while (isBusy) {
      await log.append(linesFrom([lineOf(lines)]))
      lines++
    }
  }
  // The second begins while the first is in flight, so that one of them always waits.
  const loads = [load()]
  await until(() => log.queuedBytes() > 0)
  await new Promise(resolve => setImmediate(resolve))
  loads.push(load())
  await until(() => written() > 16)
  const early = lines
  await until(() => written() > early * 16)
  isBusy = false
  await Promise.all(loads)
  await until(() => written() === lines * 16)

  await log.append(linesFrom(linesOf(numbers(5_000))))
  await until(() => written() === (lines + 5_000) * 16)
})

t.test('sequence numbers continue after all segments were removed', async t => {
  const dir = t.testdir()
  await savePosition(join(dir, POSITION_FILE), { file: '20261123T114300Z-00000056.ndjson', offset: 7 })
  const log = await openLog(dir)
  t.teardown(() => log.close())
  t.equal((await log.append(linesFrom([lineOf(1)]))).file, '20261123T114300Z-00000057.ndjson')
})

t.test('append accepts only whole lines, and at least one', async t => {
  const log = await openLog(t.testdir())
  t.teardown(() => log.close())
  for (const lines of [[], [Buffer.from('{}')], [lineOf(1), Buffer.alloc(0)]]) {
    t.match(await failureOf(log.append(linesFrom(lines))), { name: 'RangeError' })
  }
})

t.test('listeners are called for each commit, and a listener that throws has no effect', async t => {
  const lines = createLogLines()
  const log = await openLog(t.testdir(), { log: lines })
  t.teardown(() => log.close())
  let heard = 0
  const stop = log.subscribe(() => {
    heard += 1
    throw new Error('boom')
  })
  await log.append(linesFrom([lineOf(1)]))
  t.equal(heard, 1)
  t.match(lines.lines, [{ level: 'error' }])
  stop()
  await log.append(linesFrom([lineOf(2)]))
  t.equal(heard, 1)
})

t.test('if the folder is not a folder, the log refuses, says why, and recovers by itself', async t => {
  const root = t.testdir({ events: 'a file is in the way' })
  const dir = join(root, 'events')
  const lines = createLogLines()
  const log = await openLog(dir, { log: lines })
  t.teardown(() => log.close())
  t.match(log.health(), { ready: false, problems: [/EEXIST|ENOTDIR/] })
  t.ok(isSinkUnavailable(await failureOf(log.append(linesFrom([lineOf(1)])))))
  t.equal(lines.lines.filter(line => line.level === 'error').length, 1)

  rmSync(dir)
  await until(() => log.health().ready)
  await log.append(linesFrom([lineOf(1)]))
  t.strictSame(idsOnDisk(dir), [1])
  t.match(lines.lines.at(-1), { level: 'info', message: /again/ })
})

t.test('files that are not segments are not changed', async t => {
  const dir = t.testdir({ 'notes.ndjson': 'mine', README: 'x', '20261123T114300Z-00000009.bak': 'x' })
  const log = await openLog(dir)
  await log.append(linesFrom([lineOf(1)]))
  await log.close()
  t.strictSame(readFileSync(join(dir, 'notes.ndjson'), 'utf8'), 'mine')
  t.match(readdirSync(dir), [/01\.crc$/, /01\.ndjson$/, '20261123T114300Z-00000009.bak', 'README', 'notes.ndjson'])
})
