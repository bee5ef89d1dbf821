/** Exports that are interrupted, repeated, or started with wrong options. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { exportCommand } from '../../../src/cli/export/export.ts'
import { fillDisk, mountDisk } from '../../support/faults.ts'
import { duckDb } from '../../support/reading/exported.ts'
import { writeLogByHand } from '../../support/reading/log-by-hand.ts'
import { MAIN, run } from '../run.ts'
import type { Finished } from '../run.ts'

t.jobs = 2

const tributary = (cwd: string, args: readonly string[], env = {}): Promise<Finished> =>
  run(process.execPath, [MAIN, ...args], { cwd, env })

/** The files of an export, with their final names. */
function parts(out: string): string[] {
  const names = existsSync(out) ? readdirSync(out, { recursive: true, encoding: 'utf8' }) : []
  return names.filter(name => name.endsWith('.parquet')).map(name => join(out, name))
}

function isWhole(file: string): boolean {
  const bytes = readFileSync(file)
  return bytes.toString('latin1', 0, 4) === 'PAR1' && bytes.toString('latin1', bytes.length - 4) === 'PAR1'
}

async function assertEachOnce(t: Test, dir: string, ids: readonly string[], files: string): Promise<void> {
  const rows = await duckDb(dir, `select message_id from '${files}' order by 1`)
  t.equal(rows.length, ids.length, 'there are as many rows as events')
  t.strictSame(rows.flat(), ids.toSorted(), 'each event is exported once')
}

t.test(
  'an export that is killed anywhere continues: nothing is repeated, nothing is missing, and no file is incomplete',
  async t => {
    const dir = t.testdir({})
    const ids = writeLogByHand(join(dir, 'data'), { segments: 3, each: 1_500, padding: 1_000 })
    const out = join(dir, 'out')
    const args = [MAIN, 'export', '--out', 'out', '--by-event', '--rows', '1']
    // The first rename of a run is that of its lock. Those of the three tables of a step follow, then that of
    // export.json.
    const kills = [
      ['rename', 1],
      ['rename', 2],
      ['rename', 3],
      ['fdatasync', 2],
      ['rename', 5],
      ['rename', 6],
      ['fdatasync', 5],
      ['rename', 9]
    ] as const
    for (const [call, nth] of kills) {
      const inject = ['-e', `trace=${call}`, '-e', `inject=${call}:signal=SIGKILL:when=${nth}`]
      const strace = ['-D', '-f', '-qq', '-o', '/dev/null', ...inject]
      // One thread for files, so that the n-th call is always the same call.
      const env = { UV_THREADPOOL_SIZE: '1' }
      const { signal, stderr } = await run('strace', [...strace, process.execPath, ...args], { cwd: dir, env })
      t.equal(signal, 'SIGKILL', `the export was killed at call ${nth} of ${call}: ${stderr}`)
      t.ok(parts(out).every(isWhole), 'a file with its final name is complete')
    }
    const last = await run(process.execPath, args, { cwd: dir })
    t.equal(last.code, 0, last.stderr)
    t.match(last.stderr, /going on behind \d+ rows/)
    t.match(last.stdout, /rows written to out, 0 records are no events/)
    await assertEachOnce(t, dir, ids, 'out/*/*.parquet')
    t.notOk(readdirSync(out, { recursive: true, encoding: 'utf8' }).some(name => name.endsWith('.tmp')))
  }
)

t.test('on a full disk an export names the option, and continues when there is space', async t => {
  const dir = t.testdir({})
  const disk = mountDisk(t, 4)
  const ids = writeLogByHand(join(dir, 'data'), { segments: 2, each: 2_000, padding: 700 })
  const args = ['export', '--out', join(disk, 'out'), '--format', 'parquet', '--rows', '1']
  const free = fillDisk(disk, 40_000)
  const full = await tributary(dir, args)
  t.match(full, { code: 1, stdout: '', stderr: /--out .*out: ENOSPC.*goes on from there/ })
  t.ok(parts(join(disk, 'out')).every(isWhole))
  free()
  t.match(await tributary(dir, args), { code: 0, stdout: / rows written/ })
  await assertEachOnce(t, dir, ids, join(disk, 'out', 'events', '*.parquet'))
})

t.test('a later run adds newer events, within a time range and to several tables', async t => {
  const dir = t.testdir({})
  const data = join(dir, 'data')
  const first = writeLogByHand(data, { segments: 2, each: 300 })
  const args = [
    'export',
    '--out',
    'out',
    '--by-event',
    '--from',
    '2026-11-23T02:00:00Z',
    '--event',
    'E 1',
    '--event',
    'E 2'
  ]
  t.match(await tributary(dir, args), { code: 0, stdout: /^200 rows written/ })
  t.match(await tributary(dir, args), { code: 0, stdout: /^0 rows written/ })
  const more = writeLogByHand(data, { segments: 1, each: 300, first: 3 })
  rmSync(join(data, 'events', '20261123T010000Z-00000001.ndjson'))
  t.match(
    await tributary(dir, args),
    { code: 0, stdout: /^200 rows written/ },
    'a deleted old segment does not stop the export'
  )
  const wanted = [...first.slice(300), ...more].filter(id => Number(id.split('-')[2]) % 3 !== 0)
  await assertEachOnce(t, dir, wanted, 'out/*/*.parquet')
  t.strictSame(
    readdirSync(join(dir, 'out'))
      .filter(name => name.startsWith('track'))
      .toSorted(),
    ['track_e_1', 'track_e_2']
  )
})

t.test('a log that is not the exported log is refused', async t => {
  const dir = t.testdir({})
  writeLogByHand(join(dir, 'data'), { segments: 2, each: 100 })
  writeLogByHand(join(dir, 'other'), { segments: 1, each: 100 })
  const args = ['export', '--out', 'out']
  t.match(await tributary(dir, args), { code: 0 })
  t.match(await tributary(dir, args, { DATA_DIR: 'other' }), { code: 1, stderr: /is not what was exported before/ })
  t.match(await tributary(dir, ['forget', '--user', 'u3']), { code: 0 })
  t.match(await tributary(dir, args), { code: 1, stderr: /"tributary forget" changes it.*new --out/ })
})

t.test('two runs at the same time do not interfere', async t => {
  const dir = t.testdir({})
  const ids = writeLogByHand(join(dir, 'data'), { segments: 2, each: 1_000, padding: 500 })
  const args = ['export', '--out', 'out', '--rows', '1']
  const runs = await Promise.all([1, 2, 3].map(() => tributary(dir, args)))
  for (const { code, stderr } of runs)
    t.ok(code === 0 || stderr.includes('--out out: another export writes there'), stderr)
  t.match(await tributary(dir, args), { code: 0 })
  await assertEachOnce(t, dir, ids, 'out/events/*.parquet')
})

const silent = { out: () => undefined, note: () => undefined }

t.test('a wrong option is named', async t => {
  const dir = t.testdir({
    full: { file: 'x' },
    'broken.yml': 'rules: 1\n',
    file: 'x',
    old: { 'export.json': '{"version":9}' }
  })
  const none = { DATA_DIR: join(dir, 'nowhere') }
  const usage: [string, RegExp][] = [
    ['', /--out DIR is missing/],
    ['--out', /--out/],
    ['--out x --format xml', /--format: there is no "xml"; there are: parquet, csv, ndjson/],
    ['--out x --format parqet', /--format.*did you mean "parquet"\?/],
    ['--out x --plan p.yml', /--plan needs --by-event/],
    ['--out x --plan p.yml --by-event --format ndjson', /--plan: ndjson has no columns/],
    ['--out x --from yesterday', /--from must be a time/],
    ['--out x --from 2026-01-02 --to 2026-01-01', /--from must be before --to/],
    ['--out x --rows 0', /--rows must be a whole number/],
    ['--out x --rows 1000001', /--rows must be a whole number/],
    ['--out x --topic a!b', /--topic "a!b": a topic is made of/],
    ['--out x --colour', /Unknown option '--colour'/]
  ]
  for (const [args, says] of usage) {
    const asked = exportCommand.run(
      args.split(' ').filter(word => word !== ''),
      silent
    )
    await t.rejects(asked, { name: 'UsageError', message: says }, args)
  }
  // No other test of this file reads this process's environment.
  process.env['DATA_DIR'] = none.DATA_DIR
  t.teardown(() => delete process.env['DATA_DIR'])
  const failed: [string, RegExp][] = [
    ['--out full', /--out .*full: the folder is not empty and holds no export/],
    ['--out file', /--out .*file: E/],
    ['--out old', /--out .*old: export\.json cannot be read: it is of another version/],
    ['--out x --by-event --plan none.yml', /--plan .*none\.yml: ENOENT/],
    ['--out x --by-event --plan broken.yml', /broken\.yml:/],
    ['--out x', /nowhere has no log of events: is DATA_DIR right\?/],
    ['--out x --topic t', /--topic needs KAFKA_BROKERS/]
  ]
  for (const [args, says] of failed) {
    const words = args.split(' ').map(word => (/^--|^t$/.test(word) ? word : join(dir, word)))
    await t.rejects(exportCommand.run(words, silent), { message: says }, args)
  }
  const kafka = await tributary(dir, ['export', '--out', 'x'], { ...none, KAFKA_BROKERS: '127.0.0.1:1' })
  t.match(kafka, { code: 1, stderr: /with KAFKA_BROKERS they go to Kafka alone: ask for --topic tributary\.events/ })
  t.strictSame(readdirSync(join(dir, 'full')), ['file'], 'the folder is unchanged')

  writeLogByHand(join(dir, 'data'), { segments: 1, each: 3 })
  t.match(await tributary(dir, ['export', '--out', 'csv', '--format', 'csv']), { code: 0, stdout: /^3 rows/ })
  const other = await tributary(dir, ['export', '--out', 'csv', '--from', '1h'])
  t.match(other, { code: 1, stderr: /asked for in another way \(--format was csv, --from was not given\)/ })
  mkdirSync(join(dir, 'empty'))
  t.match(await tributary(dir, ['export', '--out', 'empty']), { code: 0 }, 'an empty folder is accepted')
  writeFileSync(join(dir, 'empty', 'export.json'), '{')
  t.match(await tributary(dir, ['export', '--out', 'empty']), {
    code: 1,
    stderr: /--out empty: export\.json cannot be read/
  })
  t.ok(statSync(join(dir, 'csv', 'events', 'part-00000001.csv')).size > 0)
})
