import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { isSinkUnavailable } from '../../../../src/model/sink.ts'
import {
  createLogLines,
  failureOf,
  idsOnDisk,
  lineOf,
  linesOf,
  openLog,
  openReader,
  readIds,
  segmentFiles,
  until,
  linesFrom
} from '../../../support/event-log.ts'
import { startWriter } from '../../../support/writer-process.ts'

/** A disk of its own, in memory; needs to run as root. */
function mountDisk(t: Test, options: string): string {
  const dir = mkdtempSync(join(tmpdir(), 'tributary-disk-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', dir])
  t.teardown(() => {
    execFileSync('umount', ['-l', dir])
    rmdirSync(dir)
  })
  return dir
}

const strace = (inject: string): string[] => [
  'strace',
  '-f',
  '--seccomp-bpf',
  '-qq',
  '-o',
  '/dev/null',
  '-e',
  'trace=fdatasync',
  '-e',
  `inject=fdatasync:${inject}`
]

t.test(
  'on a full disk appends are refused, nothing unacknowledged stays, and appends work within 5 s after there is space',
  async t => {
    const disk = mountDisk(t, 'size=2m')
    const dir = join(disk, 'events')
    const lines = createLogLines()
    const log = await openLog(dir, { log: lines })
    t.teardown(() => log.close())
    t.match(log.health(), { ready: true, problems: [/nearly full/] }, 'a nearly full disk is reported at the start')

    const acked: number[] = []
    let refused: Error | undefined
    for (let id = 0; refused === undefined; id += 1) {
      refused = await failureOf(log.append(linesFrom([lineOf(id, 50_000)])))
      if (refused === undefined) acked.push(id)
    }
    t.ok(isSinkUnavailable(refused))
    t.ok(acked.length > 20)
    t.strictSame(idsOnDisk(dir), acked, 'records that were not acknowledged are cut off')
    await until(() => log.health().problems.some(problem => /no space left/.test(problem)), 6_000)
    t.equal(log.health().ready, false)
    t.ok(isSinkUnavailable(await failureOf(log.append(linesFrom([lineOf('small')])))))

    const filler = join(disk, 'filler')
    writeFileSync(filler, '')
    await new Promise(resolve => setTimeout(resolve, 1_500))
    t.equal(log.health().ready, false, 'the log is not ready while the disk is full')
    const { file, bytes } = log.segments()[0] ?? { file: '', bytes: 0 }
    const freed = performance.now()
    await log.remove([{ file, bytes }])
    await until(() => log.health().ready)
    await log.append(linesFrom([lineOf('again')]))
    t.ok(
      performance.now() - freed < 5_000,
      `appends were accepted again after ${Math.round(performance.now() - freed)} ms`
    )
    t.strictSame(idsOnDisk(dir), ['again'])
    t.strictSame(
      lines.lines.filter(line => line.level !== 'warn').map(line => line.level),
      ['error', 'info'],
      'the beginning and the end of the problem are logged once each'
    )
  }
)

t.test('with no space at the start, the log opens, says so, and begins when there is space', async t => {
  const disk = mountDisk(t, 'size=1m')
  const filler = join(disk, 'filler')
  mkdirSync(join(disk, 'events'))
  await failureOf(Promise.resolve().then(() => writeFileSync(filler, Buffer.alloc(2 ** 20))))
  const log = await openLog(join(disk, 'events'))
  t.teardown(() => log.close())
  t.match(log.health(), { ready: false, problems: [/no space left/, /nearly full/] })
  t.ok(isSinkUnavailable(await failureOf(log.append(linesFrom([lineOf(1)])))))
  rmSync(filler)
  await until(() => log.health().ready)
  await log.append(linesFrom([lineOf(1)]))
  t.strictSame(idsOnDisk(join(disk, 'events')), [1])
})

t.test('a full disk does not prevent reads and deletions', async t => {
  const disk = mountDisk(t, 'size=1m')
  const log = await openLog(join(disk, 'spool'), { maxSegmentBytes: 200_000 })
  for (let id = 0; id < 8; id += 1) await log.append(linesFrom([lineOf(id, 100_000)]))
  await log.close()
  await failureOf(Promise.resolve().then(() => writeFileSync(join(disk, 'filler'), Buffer.alloc(2 ** 20))))

  const again = await openLog(join(disk, 'spool'))
  t.teardown(() => again.close())
  t.equal(again.health().ready, false)
  const reader = await openReader(again, { deleteConsumed: true })
  t.teardown(() => reader.close())
  t.strictSame(await readIds(reader), [0, 1, 2, 3, 4, 5, 6, 7])
})

t.test(
  'with a read-only disk at the start, the log opens, says so, refuses, and begins when the disk is writable',
  async t => {
    const disk = mountDisk(t, 'size=4m')
    const first = await openLog(disk)
    await first.append(linesFrom(linesOf([1, 2])))
    await first.close()
    execFileSync('mount', ['-o', 'remount,ro', disk])

    const log = await openLog(disk)
    t.teardown(() => log.close())
    t.match(log.health(), { ready: false, problems: [/EROFS/] })
    t.ok(isSinkUnavailable(await failureOf(log.append(linesFrom([lineOf(3)])))))
    execFileSync('mount', ['-o', 'remount,rw', disk])
    await until(() => log.health().ready)
    await log.append(linesFrom([lineOf(3)]))
    t.strictSame(idsOnDisk(disk), [1, 2, 3])
  }
)

t.test('a limit on the size of files (EFBIG) causes a new segment and at most some refusals, and no crash', async t => {
  const dir = t.testdir()
  const writer = startWriter({ dir, padding: 3_000, under: ['prlimit', '--fsize=100000'] })
  t.teardown(writer.kill)
  await until(() => segmentFiles(dir).length > 3 && writer.acked.length > 100, 10_000)
  writer.kill()
  t.not(await writer.ended, 1, 'the process did not end by itself')
  t.ok(writer.refused.length > 0)
  t.ok(segmentFiles(dir).every(file => statSync(join(dir, file)).size <= 100_000))

  const log = await openLog(dir)
  t.teardown(() => log.close())
  const found = new Set(idsOnDisk(dir))
  t.strictSame(
    writer.acked.filter(id => !found.has(id)),
    []
  )
})

t.test('a failed fsync is a refusal, and no later fsync makes the records valid; the process survives', async t => {
  const dir = t.testdir()
  const writer = startWriter({ dir, under: strace('error=EIO:when=12+') })
  t.teardown(writer.kill)
  await until(() => writer.refused.length > 100, 10_000)
  t.match(
    writer.said.filter(line => line.startsWith('error')),
    [/EIO/],
    'the error is logged once'
  )
  const acked = writer.acked
  t.ok(acked.length > 0)
  t.equal(writer.said.findLastIndex(line => line.startsWith('acked')) < writer.said.indexOf('not ready'), true)
  writer.kill()
  await writer.ended
  const found = idsOnDisk(dir)
  t.strictSame(
    acked.filter(id => !found.includes(id)),
    []
  )
  t.strictSame(
    found.filter(id => !acked.includes(id as number)),
    [],
    'refused records were cut off'
  )
})

t.test('after fsync failed for a while, records are written to a new segment and acknowledged again', async t => {
  const dir = t.testdir()
  const writer = startWriter({ dir, under: strace('error=EIO:when=10..13') })
  t.teardown(writer.kill)
  await until(
    () => writer.refused.length > 0 && (writer.acked.at(-1) ?? 0) > (writer.refused.at(-1) ?? Infinity),
    10_000
  )
  writer.kill()
  await writer.ended
  t.equal(segmentFiles(dir).length > 1, true)
  const log = await openLog(dir)
  t.teardown(() => log.close())
  const found = idsOnDisk(dir)
  t.strictSame(
    writer.acked.filter(id => !found.includes(id)),
    []
  )
})
