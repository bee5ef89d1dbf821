import { readdirSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readArchiveLines } from '../../../src/durability/archive/segments.ts'
import { findInArchive } from '../../../src/durability/search/find-in-archive.ts'
import { createBackground } from '../../../src/model/background.ts'
import { writeArchive } from '../../support/archive-folder.ts'

const background = createBackground()
const never = new AbortController().signal
const record = (messageId: string, more: object = {}): string => JSON.stringify({ type: 'track', messageId, ...more })

const find = (dir: string, messageId: string, signal: AbortSignal = never) =>
  findInArchive(dir, { messageId, signal, background })

t.test('a record is found in its segment, with the line and the byte where it stands when decompressed', async t => {
  const dir = join(t.testdir({}), 'archive')
  const padding = 'é'.repeat(100)
  const many = Array.from({ length: 40_000 }, (_, number) => record(`m-${number}`, { properties: { padding } }))
  await writeArchive(dir, [many, [record('second'), '{"messageId" : "\\u0061bc"}'], [record('third')]])
  const [first = '', second = ''] = readdirSync(dir)
    .filter(name => name.endsWith('.zst'))
    .toSorted()
  for (const number of [0, 1, 20_000, 39_999]) {
    const { records, complete } = await find(dir, `m-${number}`)
    t.match(records, [{ place: { file: join(dir, first) }, line: number + 1, value: many[number] }])
    t.ok(complete)
    const bytes: Buffer[] = []
    for await (const lines of readArchiveLines(join(dir, first))) bytes.push(...lines)
    const position = records[0]?.place.position ?? -1
    t.ok(Buffer.concat(bytes).subarray(position).toString().startsWith(`${many[number]}\n`))
  }
  t.match(
    (await find(dir, 'abc')).records,
    [{ place: { file: join(dir, second) }, line: 2 }],
    'an id that is written with escapes is found'
  )
  t.strictSame(await find(dir, 'm-40000'), { records: [], complete: true })
})

t.test('the newest segment that has the record is the one that is told', async t => {
  const dir = join(t.testdir({}), 'archive')
  await writeArchive(dir, [
    [record('same', { n: 1 })],
    [record('other'), record('same', { n: 2 }), record('same', { n: 3 })]
  ])
  const { records } = await find(dir, 'same')
  t.strictSame(
    records.map(({ line, value }) => [line, value]),
    [
      [2, record('same', { n: 2 })],
      [3, record('same', { n: 3 })]
    ]
  )
})

t.test('a record is found behind a line that is cut short in an id, and once if it names its id twice', async t => {
  const dir = join(t.testdir({}), 'archive')
  const behind = '{"messageId":"a"}'
  const twice = record('b', { properties: { messageId: 'b' } })
  const other = record('d', { properties: { messageId: 'c' } })
  await writeArchive(dir, [['{"type":"track","messageId":"cut', behind, twice, other]])
  t.match((await find(dir, 'a')).records, [{ line: 2, value: behind }])
  const { records } = await find(dir, 'b')
  t.strictSame(
    records.map(({ line, value }) => [line, value]),
    [[3, twice]]
  )
  t.strictSame((await find(dir, 'c')).records, [], 'an id of a property is not the id of the record')
})

t.test('a search whose time is over says how far back it came', async t => {
  const dir = join(t.testdir({}), 'archive')
  await writeArchive(dir, [[record('old')], [record('new')]])
  const { records, complete, back } = await find(dir, 'old', AbortSignal.abort())
  t.strictSame([records, complete], [[], false])
  t.equal(
    new Date(back ?? 0).toISOString(),
    '2026-11-01T01:00:00.000Z',
    'the newest segment was not searched completely'
  )
})

t.test(
  'a damaged segment is named where no other has the record, and a folder without an archive has none',
  async t => {
    const dir = join(t.testdir({}), 'archive')
    await writeArchive(dir, [[record('old')], [record('damaged')], [record('new')], [record('deleted')]])
    const [, damaged = '', , deleted = ''] = readdirSync(dir)
      .filter(name => name.endsWith('.zst'))
      .toSorted()
    writeFileSync(join(dir, damaged), 'no zstd')
    unlinkSync(join(dir, deleted))
    t.match((await find(dir, 'old')).records, [{ value: record('old') }])
    await t.rejects(find(dir, 'damaged'), new RegExp(`${damaged} cannot be read: `))
    const empty = t.testdir({})
    t.strictSame(await find(join(empty, 'missing'), 'x'), { records: [], complete: true })
  }
)

t.test('a segment that archive.json does not name is no part of the archive', async t => {
  const dir = join(t.testdir({}), 'archive')
  await writeArchive(dir, [[record('a')], [record('b')]])
  const [first = '', last = ''] = readdirSync(dir)
    .filter(name => name.endsWith('.zst'))
    .toSorted()
  renameSync(join(dir, last), join(dir, last.replace('-00000002', '-00000003')))
  t.strictSame(await find(dir, 'b'), { records: [], complete: true })
  t.match((await find(dir, 'a')).records, [{ place: { file: join(dir, first) } }])
})
