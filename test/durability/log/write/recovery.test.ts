import { appendFileSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import type { DamagedRange } from '../../../../src/durability/log/contract.ts'
import {
  createLogLines,
  idsOnDisk,
  lineOf,
  linesOf,
  openLog,
  openReader,
  readIds,
  segmentFiles,
  linesFrom
} from '../../../support/event-log.ts'

const IDS = ['a', 'b', 'c']
const LINE = lineOf('c').length

/** A folder with one segment of three lines, as a stopped server leaves it. */
async function folderOf(t: Test, ids: readonly string[] = IDS): Promise<{ dir: string; path: string }> {
  const dir = t.testdir()
  const log = await openLog(dir)
  await log.append(linesFrom(linesOf(ids)))
  await log.close()
  return { dir, path: join(dir, segmentFiles(dir)[0] ?? '') }
}

/** Starts a log on the folder. Returns the damage that it reports, and the records that a reader then gets. */
async function restart(dir: string): Promise<{ damaged: DamagedRange[]; ids: (string | number)[] }> {
  const damaged: DamagedRange[] = []
  const log = await openLog(dir, { onDamaged: range => damaged.push(range) })
  const reader = await openReader(log, { onDamaged: range => damaged.push(range) })
  const ids = await readIds(reader)
  await reader.close()
  await log.close()
  return { damaged, ids }
}

/** The bytes that were copied aside in the folder, by offset. */
function keptAside(dir: string): { offset: number; text: string }[] {
  const files = readdirSync(dir).filter(name => name.endsWith('.damaged'))
  const lines = files.flatMap(file => readFileSync(join(dir, file), 'utf8').split('\n')).filter(line => line !== '')
  return lines.map(line => {
    const { offset, base64 } = JSON.parse(line) as { offset: number; base64: string }
    return { offset, text: Buffer.from(base64, 'base64').toString() }
  })
}

t.test(
  'a last line that is torn at any byte is cut off, kept aside and counted, with and without checksums',
  async t => {
    for (const withChecksums of [true, false]) {
      for (let torn = 1; torn < LINE; torn += 1) {
        const { dir, path } = await folderOf(t)
        if (!withChecksums) rmSync(path.replace('.ndjson', '.crc'))
        truncateSync(path, 2 * LINE + torn)
        const { damaged, ids } = await restart(dir)

        const tail = lineOf('c').subarray(0, torn).toString()
        t.strictSame(
          { ids, onDisk: idsOnDisk(dir), damaged, kept: keptAside(dir) },
          {
            ids: ['a', 'b'],
            onDisk: ['a', 'b'],
            damaged: [{ file: path.slice(dir.length + 1), offset: 2 * LINE, bytes: torn }],
            kept: [{ offset: 2 * LINE, text: tail }]
          },
          `a line that is torn after ${torn} bytes is recovered, checksums: ${withChecksums}`
        )
      }
    }
  }
)

t.test(
  'garbage that a power loss leaves at the end is cut off: zeros, other bytes, a whole line that is not JSON',
  async t => {
    const tails = {
      zeros: Buffer.alloc(10_000),
      'zeros over more than one window': Buffer.alloc(3 * 1024 * 1024),
      'a torn line with zeros in it': Buffer.from('{"id":"d","x":"\0\0\0\0\0\0'),
      'a whole line with zeros in it': Buffer.from('{"id":"d"\0\0\0\0}\n'),
      'several lines that are no JSON': Buffer.from('x\n{"id":\n\n[1]\n\xff\n', 'latin1'),
      'a line that is not UTF-8': Buffer.from('{"id":"\xff"}\n', 'latin1'),
      'a line feed': Buffer.from('\n')
    }
    for (const [name, tail] of Object.entries(tails)) {
      for (const withChecksums of [true, false]) {
        const { dir, path } = await folderOf(t)
        if (!withChecksums) rmSync(path.replace('.ndjson', '.crc'))
        appendFileSync(path, tail)
        const { damaged, ids } = await restart(dir)
        t.strictSame([ids, idsOnDisk(dir)], [IDS, IDS], name)
        t.match(damaged, [{ offset: 3 * LINE, bytes: tail.length }], name)
        t.strictSame(
          Buffer.from(
            keptAside(dir)
              .map(piece => piece.text)
              .join('')
          ).length > 0,
          true,
          name
        )
      }
    }
  }
)

t.test('whole lines after the last checksum are kept, because they may have been acknowledged', async t => {
  const { dir, path } = await folderOf(t)
  appendFileSync(path, Buffer.concat([...linesOf(['d', 'e']), Buffer.from('{"id":"f')]))
  t.strictSame((await restart(dir)).ids, [...IDS, 'd', 'e'])
})

t.test('a segment with only a torn line is removed, and its bytes are kept aside', async t => {
  const { dir, path } = await folderOf(t, ['a'])
  truncateSync(path, 5)
  const { damaged, ids } = await restart(dir)
  t.strictSame([ids, segmentFiles(dir)], [[], []])
  t.match(damaged, [{ offset: 0, bytes: 5 }])
  t.strictSame(keptAside(dir), [{ offset: 0, text: '{"id"' }])
})

t.test('empty segments and checksums without a segment are removed, and their numbers are not used again', async t => {
  const { dir } = await folderOf(t)
  writeFileSync(join(dir, '20261123T120000Z-00000007.ndjson'), '')
  writeFileSync(join(dir, '20261123T120000Z-00000007.crc'), 'x')
  writeFileSync(join(dir, '20261123T120000Z-00000008.crc'), 'x')
  const log = await openLog(dir)
  t.teardown(() => log.close())
  t.match(readdirSync(dir), [/01\.crc$/, /01\.ndjson$/])
  t.equal((await log.append(linesFrom([lineOf('d')]))).file.slice(-15), '00000009.ndjson')
  t.strictSame(idsOnDisk(dir), [...IDS, 'd'])
})

t.test('a torn line before an empty last segment is cut off too', async t => {
  const { dir, path } = await folderOf(t)
  truncateSync(path, 2 * LINE + 1)
  writeFileSync(join(dir, '20261123T120000Z-00000007.ndjson'), '')
  t.strictSame((await restart(dir)).ids, ['a', 'b'])
})

t.test('a start that ended between the copy and the cut counts the damage once', async t => {
  const { dir, path } = await folderOf(t)
  truncateSync(path, 2 * LINE + 3)
  const torn = readFileSync(path)
  t.equal((await restart(dir)).damaged.length, 1)
  writeFileSync(path, torn)
  const again = await restart(dir)
  t.strictSame([again.damaged, again.ids, idsOnDisk(dir)], [[], ['a', 'b'], ['a', 'b']])
  t.equal(keptAside(dir).length, 1)
})

t.test('damage is logged with file, offset and bytes', async t => {
  const { dir, path } = await folderOf(t)
  truncateSync(path, 3 * LINE - 1)
  const lines = createLogLines()
  const log = await openLog(dir, { log: lines })
  await log.close()
  t.match(lines.lines, [
    { level: 'warn', fields: { file: path.slice(dir.length + 1), offset: 2 * LINE, bytes: LINE - 1 } }
  ])
})

t.test('a flipped line feed at the end costs one line', async t => {
  const { dir, path } = await folderOf(t)
  const content = readFileSync(path)
  content[content.length - 1] = 0x0b
  writeFileSync(path, content)
  const { damaged, ids } = await restart(dir)
  t.strictSame(ids, ['a', 'b'])
  t.match(damaged, [{ offset: 2 * LINE, bytes: LINE }])
})

t.test(
  'a checksum file that is missing, too short, too long, empty, or full of zeros or garbage costs no record',
  async t => {
    const ways: Record<string, (crc: Buffer) => Buffer | undefined> = {
      missing: () => undefined,
      empty: () => Buffer.alloc(0),
      'one entry short': crc => crc.subarray(0, 32),
      'torn within an entry': crc => crc.subarray(0, 39),
      'with a torn entry more': crc => Buffer.concat([crc, crc.subarray(0, 5)]),
      'of zeros': crc => Buffer.alloc(crc.length),
      'of ones': crc => Buffer.alloc(crc.length, 0xff),
      'of ones, far too long': () => Buffer.alloc(1_000_000, 0xff),
      'shifted by a byte': crc => Buffer.concat([Buffer.from([0]), crc])
    }
    for (const [name, change] of Object.entries(ways)) {
      const { dir, path } = await folderOf(t)
      const crcPath = path.replace('.ndjson', '.crc')
      const changed = change(readFileSync(crcPath))
      if (changed === undefined) rmSync(crcPath)
      else writeFileSync(crcPath, changed)
      const { damaged, ids } = await restart(dir)
      t.strictSame([ids, damaged], [IDS, []], name)
    }
  }
)

t.test('a change of any byte of the checksum file costs no record', async t => {
  const { dir, path } = await folderOf(t)
  const crcPath = path.replace('.ndjson', '.crc')
  const crc = readFileSync(crcPath)
  for (let at = 0; at < crc.length; at += 1) {
    const changed = Buffer.from(crc)
    changed[at] = (changed[at] ?? 0) ^ 0x10
    writeFileSync(crcPath, changed)
    const { damaged, ids } = await restart(dir)
    t.strictSame([ids, damaged], [IDS, []], `a change of byte ${at} of the checksums costs no record`)
  }
})

t.test(
  'with bytes flipped at 200 places, a start takes less than 3 s and every undamaged record is delivered',
  async t => {
    const dir = t.testdir()
    const filling = await openLog(dir)
    for (let group = 0; group < 50; group += 1) {
      await filling.append(
        linesFrom(
          linesOf(
            Array.from({ length: 1_000 }, (_, i) => `${group}-${i}`),
            400
          )
        )
      )
    }
    await filling.close()
    const path = join(dir, segmentFiles(dir)[0] ?? '')
    const content = readFileSync(path)
    const hit = new Set<number>()
    for (let flip = 0; flip < 200; flip += 1) {
      // Changes a digit or letter to its neighbour, or removes a line feed. Most of these lines are still JSON.
      const at = Math.floor(((flip + 0.37) / 200) * content.length)
      const byte = flip % 10 === 0 ? content.indexOf(10, at) : at
      content[byte] = (content[byte] ?? 0) ^ 1
      hit.add(byte)
    }
    writeFileSync(path, content)

    const begun = performance.now()
    const damaged: DamagedRange[] = []
    const log = await openLog(dir, { onDamaged: range => damaged.push(range) })
    t.ok(performance.now() - begun < 3_000, `the start took ${Math.round(performance.now() - begun)} ms`)
    const reader = await openReader(log, { onDamaged: range => damaged.push(range) })
    const ids = await readIds(reader)
    await reader.close()
    await log.close()

    const expected: string[] = []
    let at = 0
    let lost = 0
    for (let group = 0; group < 50; group += 1) {
      for (let i = 0; i < 1_000; i += 1) {
        const length = lineOf(`${group}-${i}`, 400).length
        let isHit = false
        for (let byte = at; byte < at + length; byte += 1) isHit ||= hit.has(byte)
        if (isHit) lost += length
        else expected.push(`${group}-${i}`)
        at += length
      }
    }
    t.strictSame(ids, expected)
    t.equal(
      damaged.reduce((sum, range) => sum + range.bytes, 0),
      lost,
      'every damaged byte is counted'
    )
    t.equal(readdirSync(dir).filter(name => name.endsWith('.damaged')).length, 1)

    const again = await restart(dir)
    t.strictSame(
      [again.ids.length, again.damaged],
      [expected.length, []],
      'damaged bytes that are read again are not counted again'
    )
  }
)

t.test('a folder of 2,000 segments opens in less than 3 s', async t => {
  const { dir, path } = await folderOf(t)
  const content = readFileSync(path)
  for (let n = 2; n <= 2_000; n += 1) {
    writeFileSync(join(dir, `20261123T114300Z-${String(n).padStart(8, '0')}.ndjson`), content)
  }
  const begun = performance.now()
  const log = await openLog(dir)
  t.ok(performance.now() - begun < 3_000, `the folder was opened in ${Math.round(performance.now() - begun)} ms`)
  t.equal(log.bytes(), 2_000 * content.length)
  await log.close()
})

t.test('segments that were restored with another time keep the order of their numbers', async t => {
  const { dir, path } = await folderOf(t)
  renameSync(path, join(dir, '20300101T000000Z-00000001.ndjson'))
  const log = await openLog(dir)
  t.teardown(() => log.close())
  await log.append(linesFrom([lineOf('d')]))
  const reader = await openReader(log)
  t.teardown(() => reader.close())
  t.strictSame(await readIds(reader), [...IDS, 'd'])
  t.strictSame(segmentFiles(dir), ['20300101T000000Z-00000001.ndjson', '20300101T000000Z-00000002.ndjson'])
})
