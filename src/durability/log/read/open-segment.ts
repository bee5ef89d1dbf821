import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { ChecksumCursor } from '../segment/checksums.ts'
import type { ByteRange, SegmentInfo } from '../contract.ts'
import { readAt } from '../segment/files.ts'
import { MAX_LINE_BYTES, splitLines, type Split } from '../segment/lines.ts'
import { Quarantine } from '../segment/quarantine.ts'
import { checksumsName } from '../segment/segment-name.ts'

/** An open segment, read forwards. */
export interface OpenSegment {
  readonly file: string
  /** Splits the bytes at `offset` into lines; offsets must not fall. Empty at the end of the durable part. */
  read(offset: number): Promise<Split>
  /** The bytes of a range, as they are. */
  bytesOf(range: ByteRange): Promise<Buffer>
  /** Copies a damaged range to the quarantine file; false: it was copied before. */
  setAside(range: ByteRange): Promise<boolean>
  close(): Promise<void>
}

/** Rejects with the file system's error, ENOENT when the segment is gone. */
export async function openSegment(options: {
  dir: string
  segment: SegmentInfo
  chunkBytes: number
  /** Memory for the chunk, valid until the next read. Default: new memory for each. */
  memory?: Buffer | undefined
}): Promise<OpenSegment> {
  const { dir, segment, chunkBytes, memory } = options
  const handle = await open(join(dir, segment.file), 'r')
  const checksums = new ChecksumCursor(join(dir, checksumsName(segment.file)))
  const bytesOf = ({ offset, bytes }: ByteRange): Promise<Buffer> => readAt(handle, offset, bytes)
  const quarantine = new Quarantine({ dir, file: segment.file, bytesOf })

  return {
    file: segment.file,
    async read(offset) {
      for (let size = chunkBytes; ; size *= 2) {
        const { bytes: durable, closed } = segment // before the reads: both may grow meanwhile
        await checksums.refresh()
        const wanted = Math.min(size, durable - offset)
        const bytes = await readAt(handle, offset, wanted, memory)
        const isEnd = offset + wanted === durable || bytes.length < wanted
        const complete = isEnd ? closed : bytes.length >= MAX_LINE_BYTES
        const split = splitLines({ bytes, offset, complete, checksums })
        if (split.next > offset || isEnd) return split
      }
    },
    bytesOf,
    setAside: range => quarantine.take(range),
    close: () => handle.close()
  }
}
