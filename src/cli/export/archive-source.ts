import { readArchive } from '../../durability/archive/segments.ts'
import type { ArchiveSegment } from '../../durability/archive/segments.ts'
import { CommandFailed } from '../command.ts'
import { archiveReach, linesOfSegment } from '../stored/stored-lines.ts'
import type { ReadLines, Source, SourceOptions } from './source.ts'

/** Where a run ended. */
interface EndPosition {
  /** Of the archive. */
  readonly id: string
  /** Of the segment that was read last. */
  readonly sequence: number
  /** How many of its lines were read; undefined: all. */
  readonly lines?: number
  /** Of the file, compressed: "tributary forget" writes it anew. */
  readonly bytes: number
}

const NAME = 'archive'

/** The segments of ARCHIVE, from the position on. Rejects with CommandFailed where there is none, or it is another than before. */
export async function openArchiveSource({ config, positions, note }: SourceOptions): Promise<Source> {
  const dir = config.archive?.dir
  if (dir === undefined) throw new CommandFailed('--archive needs ARCHIVE')
  const { id, segments } = await readArchive(dir).catch((error: Error) => {
    throw new CommandFailed(`${dir} cannot be read: ${error.message}`, { cause: error })
  })
  note(archiveReach(dir, segments))
  const start = positions[NAME] as EndPosition | undefined
  if (start !== undefined) checkUnchanged(dir, { id, segments }, start)
  const { sequence = 0, lines: read } = start ?? {}
  const wanted = segments.filter(each => each.sequence > sequence || (each.sequence === sequence && read !== undefined))
  const total = wanted.reduce((sum, { bytes }) => sum + bytes, 0)
  return {
    async *read() {
      for (const segment of wanted) {
        const skip = segment.sequence === sequence ? (read ?? 0) : 0
        const at = { id, sequence: segment.sequence, bytes: segment.bytes }
        for await (const values of valuesOf(dir, segment, { skip, note })) {
          yield { values: values.lines, amount: 0, total, positions: { [NAME]: { ...at, lines: values.end } } }
        }
        yield { values: [], amount: segment.bytes, total, positions: { [NAME]: at } } satisfies ReadLines
      }
    }
  }
}

async function* valuesOf(
  dir: string,
  { file }: ArchiveSegment,
  { skip, note }: { readonly skip: number; readonly note: (text: string) => void }
): AsyncGenerator<{ readonly lines: Buffer[]; readonly end: number }> {
  let end = 0
  for await (const lines of linesOfSegment(dir, file, note)) {
    const left = lines.slice(Math.max(0, skip - end))
    end += lines.length
    if (left.length > 0) yield { lines: left.map(line => line.subarray(0, -1)), end }
  }
}

function checkUnchanged(
  dir: string,
  { id, segments }: { readonly id: string; readonly segments: readonly ArchiveSegment[] },
  start: EndPosition
): void {
  const same = segments.find(({ sequence }) => sequence === start.sequence)
  const isSame = start.lines === undefined || same === undefined || same.bytes === start.bytes
  if (id === start.id && isSame) return
  throw new CommandFailed(
    `${dir} is not what was exported before ("tributary forget" changes it, or ARCHIVE is another): export to a new --out`
  )
}
