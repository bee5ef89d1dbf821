import { openArchiveFolder } from '../../src/durability/archive/folder.ts'
import { NextSegment } from '../../src/durability/archive/next-segment.ts'

/** Writes an archive with these segments of records, oldest first, an hour apart from 2026-11-01 on. */
export async function writeArchive(dir: string, segments: readonly (readonly string[])[]): Promise<void> {
  const folder = await openArchiveFolder(dir)
  for (const [index, records] of segments.entries()) await folder.commit(await pieceOf(records, index))
  await folder.close()
}

async function pieceOf(records: readonly string[], index: number) {
  const segment = new NextSegment(0)
  const latest = Date.UTC(2026, 10, 1, index)
  const piece = {
    name: 'events/0',
    values: records.map(record => Buffer.from(record)),
    position: { topicId: '00000000-0000-0000-0000-000000000000', next: String(index + 1) },
    amount: records.length,
    total: records.length,
    left: 0,
    latest
  }
  await segment.add(piece, latest)
  return await segment.end()
}
