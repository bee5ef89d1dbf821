import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openEntryFile } from '../../src/disk/entry-file.ts'
import { fillDisk, mountDisk } from '../support/faults.ts'

const ENTRY_BYTES = 12

/** Entries that contain their number in each of their words. */
function entries(from: number, count: number): Buffer {
  const buffer = Buffer.alloc(count * ENTRY_BYTES)
  for (let at = 0; at < buffer.length; at += 4) buffer.writeUInt32LE(from + Math.floor(at / ENTRY_BYTES), at)
  return buffer
}

/** The numbers of a file's entries. Throws if half an entry has shifted them. */
function numbersIn(path: string): number[] {
  const bytes = readFileSync(path)
  if (bytes.length % ENTRY_BYTES !== 0) throw new Error(`${bytes.length} bytes are not a whole number of entries`)
  return Array.from({ length: bytes.length / ENTRY_BYTES }, (_, index) => {
    const words = [0, 4, 8].map(at => bytes.readUInt32LE(index * ENTRY_BYTES + at))
    if (new Set(words).size > 1) throw new Error(`entry ${index} is shifted: ${words.join()}`)
    return words[0] ?? 0
  })
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, at) => from + at)

t.test('on a full disk an append leaves whole entries, says how many, and the next append follows them', async t => {
  const disk = mountDisk(t, 1)
  const path = join(disk, 'entries')
  const file = await openEntryFile({ path, entryBytes: ENTRY_BYTES, mode: 0o640 })
  t.same(await file.append(entries(0, 10)), { kept: 120 })
  // A page has 4,096 bytes, which is not a multiple of 12.
  const giveBack = fillDisk(disk, 4_096)
  const { kept, error } = await file.append(entries(10, 5_000))
  t.match(error, { code: 'ENOSPC' })
  t.equal(kept % ENTRY_BYTES, 0)
  const whole = 10 + kept / ENTRY_BYTES
  t.ok(whole > 10 && whole < 5_010, `there was space for ${whole} entries`)
  t.same(numbersIn(path), range(0, whole))
  t.equal(file.bytes, whole * ENTRY_BYTES)

  giveBack()
  t.same(await file.append(entries(whole, 5_000)), { kept: 60_000 })
  t.same(numbersIn(path), range(0, whole + 5_000))
  await file.close()
})

t.test('an incomplete entry at the end of a file is cut off when the file is opened', async t => {
  const path = join(t.testdir(), 'entries')
  writeFileSync(path, Buffer.concat([entries(0, 3), Buffer.from('torn')]))
  const file = await openEntryFile({ path, entryBytes: ENTRY_BYTES, mode: 0o640 })
  await file.append(entries(3, 1))
  t.same(numbersIn(path), [0, 1, 2, 3])
  await file.close()
})

t.test('a new file is refused if the file exists', async t => {
  const path = join(t.testdir({ entries: '' }), 'entries')
  await t.rejects(openEntryFile({ path, entryBytes: ENTRY_BYTES, mode: 0o640, isNew: true }), { code: 'EEXIST' })
})
