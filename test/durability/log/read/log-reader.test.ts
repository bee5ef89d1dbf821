import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import type { DamagedRange } from '../../../../src/durability/log/contract.ts'
import { POSITION_FILE } from '../../../../src/durability/log/segment/position-file.ts'
import { readLog } from '../../../../src/durability/log/read/log-reader.ts'
import { readSegmentFolder } from '../../../../src/durability/log/segment/segment-folder.ts'
import { openSpoolLog } from '../../../../src/durability/spool/spool-log.ts'
import {
  createLogLines,
  idOf,
  lineOf,
  linesOf,
  openLog,
  openReader,
  readIds,
  savePosition,
  segmentFiles,
  until,
  linesFrom
} from '../../../support/event-log.ts'

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

t.test(
  'a reader gets every line in order, over segments and chunks, and positions grow by the length of the lines',
  async t => {
    const dir = t.testdir()
    const log = await openLog(dir, { maxSegmentBytes: 2_000 })
    t.teardown(() => log.close())
    for (const id of numbers(100)) await log.append(linesFrom([lineOf(id, id * 7)]))
    t.ok(segmentFiles(dir).length > 10)

    const reader = await openReader(log, { chunkBytes: 300 })
    t.teardown(() => reader.close())
    const ids: unknown[] = []
    for (let batch = await reader.next(); batch !== undefined; batch = await reader.next()) {
      batch.lines.forEach((line, index) => {
        if (index > 0) t.equal(batch.after(index) - batch.after(index - 1), line.length)
        ids.push(idOf(line))
      })
      t.ok(batch.end >= batch.after(batch.lines.length - 1))
    }
    t.strictSame(ids, numbers(100))
  }
)

t.test('any position can be read again, also positions before the last read', async t => {
  const log = await openLog(t.testdir(), { maxSegmentBytes: 200 })
  t.teardown(() => log.close())
  for (const id of numbers(30)) await log.append(linesFrom([lineOf(id)]))
  log.rotate()
  const spoolLog = await openSpoolLog({ kept: [], spool: log, log: createLogLines(), chunkBytes: 50 })
  t.teardown(() => spoolLog.close())
  const pieces = []
  for (let at = spoolLog.start(); at < spoolLog.end();) {
    const piece = await spoolLog.read(at)
    pieces.push({ ...piece, lines: piece.lines.map(({ place, line }) => ({ place, line: Buffer.from(line) })) })
    at = piece.next
  }
  for (const piece of [...pieces, ...pieces, ...pieces.toReversed()])
    t.strictSame(await spoolLog.read(piece.start), piece)
})

t.test('a line longer than a chunk is read whole', async t => {
  const log = await openLog(t.testdir())
  t.teardown(() => log.close())
  await log.append(linesFrom([lineOf(1), lineOf(2, 3_000_000), lineOf(3)]))
  const reader = await openReader(log)
  t.teardown(() => reader.close())
  t.strictSame(await readIds(reader), [1, 2, 3])
})

t.test('a reader at the end follows what is appended, in the same segment and the next', async t => {
  const log = await openLog(t.testdir(), { maxSegmentBytes: 500 })
  t.teardown(() => log.close())
  const reader = await openReader(log)
  t.teardown(() => reader.close())
  const seen: unknown[] = []
  const following = (async () => {
    while (seen.length < 300) {
      await nextTurn()
      seen.push(...(await readIds(reader)))
    }
  })()
  for (const id of numbers(300)) await log.append(linesFrom([lineOf(id)]))
  await following
  t.strictSame(seen, numbers(300))
})

t.test('a reader never gets a line that is not yet durable', async t => {
  const log = await openLog(t.testdir())
  t.teardown(() => log.close())
  const reader = await openReader(log)
  t.teardown(() => reader.close())
  const acked = new Set<number>()
  const tooEarly: unknown[] = []
  const appends = numbers(2_000).map(async id => {
    await log.append(linesFrom([lineOf(id)]))
    acked.add(id)
  })
  const all = Promise.all(appends)
  let count = 0
  while (count < 2_000) {
    const batch = await reader.next()
    for (const line of batch?.lines ?? []) {
      count += 1
      if (!acked.has(idOf(line) as number)) tooEarly.push(idOf(line))
    }
    if (batch === undefined) await new Promise(resolve => setImmediate(resolve))
  }
  await all
  t.strictSame(tooEarly, [])
})

t.test('a new reader begins after the committed position', async t => {
  const log = await openLog(t.testdir(), { maxSegmentBytes: 200 })
  t.teardown(() => log.close())
  for (const id of numbers(50)) await log.append(linesFrom([lineOf(id)]))
  for (let at = 0; at < 50;) {
    const reader = await openReader(log, { chunkBytes: 150 })
    const batch = await reader.next()
    t.equal(idOf(batch?.lines[0] ?? lineOf('none')), at)
    t.equal(reader.backlogBytes() > 0, true)
    await reader.commit(batch?.after(0) ?? 0)
    await reader.close()
    at += 1
  }
  const reader = await openReader(log)
  t.teardown(() => reader.close())
  t.equal(await reader.next(), undefined)
  t.equal(reader.backlogBytes(), 0)
})

t.test('whole segments are deleted once they are committed, and the folder is empty when all are', async t => {
  const dir = t.testdir()
  const log = await openLog(dir, { maxSegmentBytes: 100 })
  t.teardown(() => log.close())
  for (const id of numbers(30)) await log.append(linesFrom([lineOf(id)]))
  const reader = await openReader(log, { deleteConsumed: true, chunkBytes: 50 })
  t.teardown(() => reader.close())
  const before = segmentFiles(dir)

  for (let batch = await reader.next(); batch !== undefined; batch = await reader.next()) {
    const left = segmentFiles(dir)
    await reader.commit(batch.after(0))
    t.ok(segmentFiles(dir).length === left.length || batch.lines.length === 1, 'a segment in use is not deleted')
    await reader.commit(batch.end)
    t.ok(segmentFiles(dir).length <= left.length)
  }
  t.strictSame(readdirSync(dir), [POSITION_FILE])
  t.equal(log.bytes(), 0)

  await log.append(linesFrom([lineOf('next')]))
  t.strictSame(await readIds(reader), ['next'])
  t.ok((segmentFiles(dir)[0] ?? '') > (before.at(-1) ?? ''), 'segment numbers continue to rise')
})

t.test('a line that is appended during the commit of the last line is neither deleted nor skipped', async t => {
  const log = await openLog(t.testdir())
  t.teardown(() => log.close())
  const reader = await openReader(log, { deleteConsumed: true })
  t.teardown(() => reader.close())
  const seen: unknown[] = []
  const appending = (async () => {
    for (const id of numbers(500)) await log.append(linesFrom([lineOf(id)]))
  })()
  while (seen.length < 500) {
    await nextTurn()
    const batch = await reader.next()
    if (batch === undefined) continue
    seen.push(...batch.lines.map(idOf))
    await reader.commit(batch.end)
  }
  await appending
  t.strictSame(seen, numbers(500))
  t.equal(log.bytes(), 0)
})

t.test('segments that were committed but not deleted before a crash are deleted at the start', async t => {
  const dir = t.testdir()
  const log = await openLog(dir, { maxSegmentBytes: 9 })
  for (const id of numbers(5)) await log.append(linesFrom([lineOf(id)]))
  await log.close()
  await savePosition(join(dir, POSITION_FILE), { file: segmentFiles(dir)[2] ?? '', offset: 9 })

  const again = await openLog(dir)
  t.teardown(() => again.close())
  const reader = await openReader(again, { deleteConsumed: true })
  t.teardown(() => reader.close())
  t.equal(segmentFiles(dir).length, 2)
  t.strictSame(await readIds(reader), [3, 4])
})

t.test('no content of the position file skips a record or stops the reader', async t => {
  const good = { file: '20261123T114300Z-00000002.ndjson', offset: 9 }
  const first = '20261123T114300Z-00000001.ndjson'
  const states: Record<string, { write: (path: string) => unknown; ids: number[] }> = {
    missing: { write: () => undefined, ids: [0, 1, 2, 3] },
    good: { write: path => savePosition(path, good), ids: [2, 3] },
    empty: { write: path => writeFileSync(path, ''), ids: [0, 1, 2, 3] },
    'of zeros': { write: path => writeFileSync(path, Buffer.alloc(80)), ids: [0, 1, 2, 3] },
    'other JSON': { write: path => writeFileSync(path, 'null'), ids: [0, 1, 2, 3] },
    'a folder': { write: path => mkdirSync(path), ids: [0, 1, 2, 3] },
    'behind the end of its segment': { write: path => savePosition(path, { ...good, offset: 10 }), ids: [1, 2, 3] },
    'in a later segment than any': {
      write: path => savePosition(path, { file: good.file.replace('0002', '0099'), offset: 0 }),
      ids: [0, 1, 2, 3]
    },
    'in another segment of that number': {
      write: path => savePosition(path, { file: good.file.replace('2026', '2025'), offset: 9 }),
      ids: [0, 1, 2, 3]
    },
    'in a segment that is deleted': {
      write: path => savePosition(path, { file: first.replace('0001', '0000'), offset: 9 }),
      ids: [0, 1, 2, 3]
    }
  }
  for (const [name, state] of Object.entries(states)) {
    const dir = t.testdir()
    const log = await openLog(dir, { maxSegmentBytes: 9 })
    for (const id of numbers(4)) await log.append(linesFrom([lineOf(id)]))
    await log.close()
    await state.write(join(dir, POSITION_FILE))

    const again = await openLog(dir)
    const lines = createLogLines()
    const reader = await openReader(again, { deleteConsumed: true, log: lines })
    t.strictSame(await readIds(reader), state.ids, name)
    t.equal(
      lines.lines.length > 0,
      !['missing', 'good', 'in a segment that is deleted'].includes(name),
      `${name}: a log line is written only for an unusable position`
    )
    await reader.close()
    await again.close()
  }
})

t.test('a change of any byte of the position file never skips a record', async t => {
  const dir = t.testdir()
  const log = await openLog(dir, { maxSegmentBytes: 9 })
  t.teardown(() => log.close())
  for (const id of numbers(4)) await log.append(linesFrom([lineOf(id)]))
  const path = join(dir, POSITION_FILE)
  await savePosition(path, { file: segmentFiles(dir)[1] ?? '', offset: 9 })
  const stored = readFileSync(path)
  for (let at = 0; at < stored.length; at += 1) {
    const changed = Buffer.from(stored)
    changed[at] = (changed[at] ?? 0) ^ 1
    writeFileSync(path, changed)
    const reader = await openReader(log)
    t.ok([2, 4].includes((await readIds(reader)).length), `after a change of byte ${at}, no record is skipped`)
    await reader.close()
  }
})

t.test('damage in the middle is skipped, counted, and copied aside before its segment is deleted', async t => {
  const dir = t.testdir()
  const log = await openLog(dir)
  await log.append(linesFrom(linesOf([1, 2, 3, 4, 5])))
  await log.close()
  const path = join(dir, segmentFiles(dir)[0] ?? '')
  writeFileSync(path, readFileSync(path, 'utf8').replace('{"id":2}', '{"id":7}').replace('{"id":4}\n{', '{"id":4}X{'))

  const again = await openLog(dir)
  t.teardown(() => again.close())
  const damaged: DamagedRange[] = []
  const reader = await openReader(again, { deleteConsumed: true, onDamaged: range => damaged.push(range) })
  t.teardown(() => reader.close())
  const batch = await reader.next()
  t.strictSame(batch?.lines.map(idOf), [1, 3, 5])
  t.match(damaged, [
    { offset: 9, bytes: 9 },
    { offset: 27, bytes: 9 }
  ])
  await reader.commit(batch?.end ?? 0)
  t.match(readdirSync(dir), [/\.damaged$/, POSITION_FILE])
  const kept = readFileSync(join(dir, readdirSync(dir)[0] ?? ''), 'utf8')
  t.match(kept, Buffer.from('{"id":7}\n').toString('base64'))
})

t.test('if a damaged range cannot be copied, its segment is not deleted, and reading continues', async t => {
  const dir = t.testdir()
  const log = await openLog(dir, { maxSegmentBytes: 18 })
  for (const id of numbers(6)) await log.append(linesFrom([lineOf(id)]))
  await log.close()
  const [first = ''] = segmentFiles(dir)
  writeFileSync(join(dir, first), '{"id":9}\n{"id":1}\n')
  const inTheWay = join(dir, first.replace('.ndjson', '.damaged'))
  mkdirSync(inTheWay)

  const again = await openLog(dir)
  t.teardown(() => again.close())
  const damaged: DamagedRange[] = []
  const lines = createLogLines()
  const reader = await openReader(again, {
    deleteConsumed: true,
    log: lines,
    onDamaged: range => damaged.push(range)
  })
  t.teardown(() => reader.close())
  const ids: unknown[] = []
  for (let batch = await reader.next(); batch !== undefined; batch = await reader.next()) {
    ids.push(...batch.lines.map(idOf))
    await reader.commit(batch.end)
  }
  t.strictSame(ids, [1, 2, 3, 4, 5])
  t.strictSame([segmentFiles(dir), damaged], [[first], []])
  t.match(lines.lines[0], { level: 'error', fields: { offset: 0, bytes: 9 } })

  rmSync(inTheWay, { recursive: true })
  await again.append(linesFrom([lineOf(6)]))
  const batch = await reader.next()
  await reader.commit(batch?.end ?? 0)
  t.strictSame(segmentFiles(dir), [])
  t.match(damaged, [{ file: first, offset: 0, bytes: 9 }])
})

t.test('a segment with only garbage is skipped', async t => {
  const dir = t.testdir()
  const log = await openLog(dir)
  await log.append(linesFrom([lineOf(1)]))
  await log.close()
  const garbage = Buffer.alloc(5_000_000)
  writeFileSync(join(dir, '20200101T000000Z-00000000.ndjson'), garbage)
  const again = await openLog(dir)
  t.teardown(() => again.close())
  let bytes = 0
  const reader = await openReader(again, { onDamaged: range => (bytes += range.bytes) })
  t.teardown(() => reader.close())
  t.strictSame(await readIds(reader), [1])
  t.equal(bytes, garbage.length)
})

t.test('a damaged or missing end can be committed too, so that nothing is left over', async t => {
  const ways: Record<string, (path: string) => void> = {
    damaged: path => writeFileSync(path, '{"id":1}\n{"id":7}\n{"id":8}\n'),
    'cut short': path => writeFileSync(path, lineOf(1)),
    gone: path => rmSync(path)
  }
  for (const [name, spoil] of Object.entries(ways)) {
    const dir = t.testdir()
    const log = await openLog(dir)
    await log.append(linesFrom(linesOf([1, 2, 3])))
    log.rotate()
    spoil(join(dir, segmentFiles(dir)[0] ?? ''))
    const reader = await openReader(log, { deleteConsumed: true, chunkBytes: 9 })
    for (let batch = await reader.next(); batch !== undefined; batch = await reader.next())
      await reader.commit(batch.end)
    t.strictSame([reader.backlogBytes(), log.bytes(), segmentFiles(dir)], [0, 0, []], name)
    await reader.close()
    await log.close()
  }
})

t.test('a segment that an operator deleted or truncated is skipped', async t => {
  const dir = t.testdir()
  const log = await openLog(dir, { maxSegmentBytes: 18 })
  t.teardown(() => log.close())
  for (const id of numbers(8)) await log.append(linesFrom([lineOf(id)]))
  const [, second = '', third = ''] = segmentFiles(dir)
  rmSync(join(dir, second))
  writeFileSync(join(dir, third), lineOf(4))
  const lines = createLogLines()
  const reader = await openReader(log, { log: lines, deleteConsumed: true })
  t.teardown(() => reader.close())
  const ids: unknown[] = []
  for (let batch = await reader.next(); batch !== undefined; batch = await reader.next()) {
    ids.push(...batch.lines.map(idOf))
    await reader.commit(batch.end)
  }
  t.strictSame(ids, [0, 1, 4, 6, 7])
  t.match(lines.lines, [{ level: 'error', fields: { file: second } }])
  t.strictSame(segmentFiles(dir), [])
})

t.test('a read-only reader reads a folder that another process writes, and changes nothing', async t => {
  const dir = t.testdir()
  const log = await openLog(dir, { maxSegmentBytes: 20 })
  t.teardown(() => log.close())
  for (const id of numbers(5)) await log.append(linesFrom([lineOf(id)]))
  const last = join(dir, segmentFiles(dir).at(-1) ?? '')
  writeFileSync(last, readFileSync(last, 'utf8') + '{"id":5')
  const before = readdirSync(dir)

  const lines = createLogLines()
  const ids: unknown[] = []
  for await (const read of readLog({ source: await readSegmentFolder(dir), log: lines }))
    ids.push(...read.lines.map(idOf))
  t.strictSame(ids, numbers(5))
  t.strictSame(lines.lines, [], 'the unfinished last line is not reported')
  t.strictSame(readdirSync(dir), before)
})

t.test('a reader that was opened on a log without access to its folder begins when the log has access', async t => {
  const root = t.testdir({ spool: 'in the way' })
  const dir = join(root, 'spool')
  const log = await openLog(dir)
  t.teardown(() => log.close())
  const reader = await openReader(log, { deleteConsumed: true })
  t.teardown(() => reader.close())
  t.equal(await reader.next(), undefined)
  rmSync(dir)
  await until(() => log.health().ready)
  await log.append(linesFrom([lineOf(1)]))
  t.strictSame(await readIds(reader), [1])
})
