import { open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { ByteRange } from '../contract.ts'
import { FILE_MODE, ifThere, syncFolder } from './files.ts'
import { damagedName } from './segment-name.ts'

const LINE = /^\{"offset":(\d+),"bytes":(\d+),"base64":"[A-Za-z0-9+/=]*"\}$/
const PIECE_BYTES = 256 * 1024

/**
 * Copies of a segment's damaged bytes, in one file beside it, `<name>.damaged`, one JSON line for each piece:
 * `{"offset":1024,"bytes":37,"base64":"..."}`. `jq -r .base64 FILE | base64 -d` shows them.
 */
export class Quarantine {
  readonly #dir: string
  readonly #path: string
  readonly #bytesOf: (range: ByteRange) => Promise<Buffer>
  #taken: ByteRange[] | undefined

  /** @param options.bytesOf reads bytes of the segment `file` */
  constructor(options: { dir: string; file: string; bytesOf: (range: ByteRange) => Promise<Buffer> }) {
    this.#dir = options.dir
    this.#path = join(options.dir, damagedName(options.file))
    this.#bytesOf = options.bytesOf
  }

  /**
   * Copies a range of the segment aside, durably. Resolves with false if that was done before, so that damage is
   * counted once, also over restarts. Rejects with the file system's error.
   */
  async take(range: ByteRange): Promise<boolean> {
    this.#taken ??= await readRanges(this.#path)
    if (isCovered(range, this.#taken)) return false
    const handle = await open(this.#path, 'a', FILE_MODE)
    try {
      // A crash may have cut the last line short: starts a new line.
      if ((await handle.stat()).size > 0) await handle.writeFile('\n')
      await this.#copy(range, handle)
      await handle.datasync()
    } finally {
      await handle.close()
    }
    await syncFolder(this.#dir)
    this.#taken.push(range)
    return true
  }

  async #copy(range: ByteRange, to: FileHandle): Promise<void> {
    const end = range.offset + range.bytes
    for (let offset = range.offset; offset < end; offset += PIECE_BYTES) {
      const piece = await this.#bytesOf({ offset, bytes: Math.min(PIECE_BYTES, end - offset) })
      await to.writeFile(JSON.stringify({ offset, bytes: piece.length, base64: piece.toString('base64') }) + '\n')
    }
  }
}

async function readRanges(path: string): Promise<ByteRange[]> {
  const ranges: ByteRange[] = []
  const handle = await ifThere(open(path))
  if (handle === undefined) return ranges
  for await (const line of handle.readLines()) {
    const found = LINE.exec(line)
    if (found !== null) ranges.push({ offset: Number(found[1]), bytes: Number(found[2]) })
  }
  return ranges
}

/** Whether the ranges together hold every byte of the range. */
function isCovered({ offset, bytes }: ByteRange, ranges: readonly ByteRange[]): boolean {
  let covered = offset
  for (const other of ranges.toSorted((a, b) => a.offset - b.offset)) {
    if (other.offset <= covered) covered = Math.max(covered, other.offset + other.bytes)
  }
  return covered >= offset + bytes
}
