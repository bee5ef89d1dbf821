import { statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ChecksumWriter } from '../../../../src/durability/log/segment/checksum-writer.ts'
import { ChecksumCursor, encodeChecksums, ENTRY_BYTES } from '../../../../src/durability/log/segment/checksums.ts'
import { createLogLines, lineOf, linesFrom, until } from '../../../support/event-log.ts'
import { fillDisk, mountDisk } from '../../../support/faults.ts'

/** Entries of `count` lines of 100 bytes that begin at line number `first` of a segment. */
function entriesOf(first: number, count: number): Promise<Buffer> {
  const lines = Array.from({ length: count }, (_, at) => lineOf(first + at, 100))
  return encodeChecksums(linesFrom(lines), first * 1_000)
}

t.test('on a full disk the checksums without space are lost, and all later checksums are written', async t => {
  const disk = mountDisk(t, 1)
  const path = join(disk, 'segment.crc')
  const lines = createLogLines()
  const writer = new ChecksumWriter({ path, log: lines })
  const size = (): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0
  writer.add(await entriesOf(0, 1))
  writer.flush()
  await until(() => size() === ENTRY_BYTES)
  const giveBack = fillDisk(disk, 0)
  writer.add(await entriesOf(1, 1_000))
  writer.flush()
  await until(() => lines.lines.length > 0)
  giveBack()
  const whole = size() / ENTRY_BYTES
  t.ok(whole >= 1 && whole < 1_001, `there was space for ${whole} checksums`)
  writer.add(await entriesOf(2_000, 1_000))
  await writer.close()

  const cursor = new ChecksumCursor(path)
  await cursor.refresh()
  t.equal(cursor.from(2_000_000)?.offset, 2_000_000)
  t.equal(size(), (whole + 1_000) * ENTRY_BYTES)
  t.equal(lines.lines.length, 1, 'the problem is logged once')
})
