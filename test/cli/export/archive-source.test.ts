import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import t from 'tap'
import { openArchiveSource } from '../../../src/cli/export/archive-source.ts'
import { readEnvironment } from '../../../src/config/env/environment.ts'
import { openArchiveFolder } from '../../../src/durability/archive/folder.ts'
import { readArchive } from '../../../src/durability/archive/segments.ts'
import { eraseFromArchive } from '../../../src/durability/erase/erase-archive.ts'
import { ownFolder } from '../../support/own-folder.ts'

/** A segment has more than one piece of readArchivePieces(). */
const EACH = 700
const lineOf = (id: number): string => JSON.stringify({ messageId: `m-${id}`, padding: 'x'.repeat(4_000) })

/** An archive of three segments. */
async function makeArchive(dir: string): Promise<string> {
  const folder = await openArchiveFolder(dir)
  for (let segment = 0; segment < 3; segment++) {
    const lines = Array.from({ length: EACH }, (_, at) => `${lineOf(segment * EACH + at)}\n`)
    await folder.commit({
      bytes: zstdCompressSync(lines.join('')),
      latest: Date.UTC(2026, 10, 23, segment),
      positions: {}
    })
  }
  await folder.close()
  return dir
}

function open(dir: string, positions: Readonly<Record<string, unknown>> = {}) {
  const config = readEnvironment({ KAFKA_BROKERS: 'a', ARCHIVE: dir })
  return openArchiveSource({ config, positions, note: text => t.match(text, / goes to 2026-11-23T/) })
}

async function read(dir: string, positions?: Readonly<Record<string, unknown>>) {
  const pieces = []
  for await (const piece of (await open(dir, positions)).read()) pieces.push(piece)
  return pieces
}

t.test('an export of an archive continues at any position, and neither repeats nor omits anything', async t => {
  const dir = await makeArchive(ownFolder(t))
  const pieces = await read(dir)
  t.ok(pieces.length > 3 * 2, `the archive has ${pieces.length} pieces`)
  const all = pieces.flatMap(({ values }) => values).map(String)
  t.strictSame(
    all,
    Array.from({ length: 3 * EACH }, (_, id) => lineOf(id))
  )
  let before = 0
  for (const { values, positions } of pieces) {
    before += values.length
    const left = (await read(dir, positions)).flatMap(piece => piece.values)
    t.strictSame(left.map(String), all.slice(before), `after ${before} events the export returns the rest`)
  }
})

t.test(
  'an export does not continue in another archive, or in an archive that was changed where the export ended',
  async t => {
    const folder = ownFolder(t)
    const dir = await makeArchive(join(folder, 'one'))
    const pieces = await read(dir)
    const [inFirst] = pieces
    const afterFirst = pieces.find(({ amount }) => amount > 0)
    const other = await makeArchive(join(folder, 'other'))
    const words = /is not what was exported before/
    await t.rejects(open(other, inFirst?.positions), { message: words })
    const erasure = { isGone: (line: Buffer) => line.includes('"m-699"'), mayHold: () => false }
    t.strictSame(await eraseFromArchive(dir, { erasure }), { records: 1, files: 1 })
    await t.rejects(open(dir, inFirst?.positions), { message: words })
    t.equal((await read(dir, afterFirst?.positions)).flatMap(({ values }) => values).length, 2 * EACH)
  }
)

t.test(
  'lines that are erased from an archive leave the other lines unchanged, and an empty segment is deleted',
  async t => {
    const dir = await makeArchive(ownFolder(t))
    const ids = (line: Buffer): number => Number(/"m-(\d+)"/.exec(String(line))?.[1])
    const erasure = { isGone: (line: Buffer) => ids(line) < EACH || ids(line) % 2 === 0, mayHold: () => false }
    const [first] = (await readArchive(dir)).segments
    const counted = await eraseFromArchive(dir, { erasure, isDryRun: true })
    t.equal((await read(dir)).flatMap(({ values }) => values).length, 3 * EACH, 'a dry run changes nothing')
    // An interrupted call has left this file.
    writeFileSync(join(dir, `${first?.file}.tmp`), 'half')
    t.strictSame(await eraseFromArchive(dir, { erasure }), counted)
    const left = Array.from({ length: 3 * EACH }, (_, id) => id).filter(id => id >= EACH && id % 2 === 1)
    t.strictSame((await read(dir)).flatMap(({ values }) => values).map(String), left.map(lineOf))
    t.equal((await readArchive(dir)).segments.length, 2)
    t.strictSame(await eraseFromArchive(dir, { erasure }), { records: 0, files: 0 })
    t.strictSame(await eraseFromArchive(join(dir, 'none'), { erasure }), { records: 0, files: 0 })
  }
)
