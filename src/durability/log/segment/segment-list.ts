import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { SegmentInfo } from '../contract.ts'
import { ifThere } from './files.ts'
import { isSegmentName, segmentName, segmentOfChecksums, sequenceOf } from './segment-name.ts'

export interface Segment extends SegmentInfo {
  bytes: number
  closed: boolean
}

/** The list of a folder's segments, in memory. */
export class SegmentList {
  #all: Segment[] = []
  #bytes = 0
  /** The highest number ever used. */
  #sequence = 0
  #lastName: string | undefined

  get all(): readonly Segment[] {
    return this.#all
  }

  /** The bytes of all segments. */
  get bytes(): number {
    return this.#bytes
  }

  add(segment: Segment): void {
    this.#all.push(segment)
    this.#bytes += segment.bytes
  }

  grow(segment: Segment, bytes: number): void {
    segment.bytes += bytes
    this.#bytes += bytes
  }

  drop(segment: Segment): void {
    if (!this.#all.includes(segment)) return
    this.#all = this.#all.filter(other => other !== segment)
    this.#bytes -= segment.bytes
  }

  /** Replaces the list by what was found on disk. */
  load({ segments, sequence }: Omit<FoundFolder, 'orphans'>): void {
    this.#all = [...segments]
    this.#bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0)
    this.#sequence = sequence
    this.#lastName = segments.at(-1)?.file
  }

  /**
   * A name that sorts after all others.
   *
   * @param now milliseconds since the epoch
   */
  nextName(now: number): { file: string; sequence: number } {
    this.#sequence += 1
    this.#lastName = segmentName({ now, sequence: this.#sequence, after: this.#lastName })
    return { file: this.#lastName, sequence: this.#sequence }
  }
}

export interface FoundFolder {
  /** In the order of their sequence, all closed. */
  readonly segments: Segment[]
  /** The highest sequence number in any file's name. */
  readonly sequence: number
  /** Checksum files whose segments are gone. */
  readonly orphans: readonly string[]
}

/** Reads the names and sizes of a folder's files, not their content. Rejects with the file system's error. */
export async function findSegments(dir: string): Promise<FoundFolder> {
  const names = await readdir(dir)
  const files = names.filter(isSegmentName).sort((a, b) => (sequenceOf(a) ?? 0) - (sequenceOf(b) ?? 0))
  const present = new Set(files)
  // Node runs four of these calls at a time.
  const found = await Promise.all(files.map(file => statSegment(dir, file)))
  const segments = found.filter(segment => segment !== undefined)
  const orphans = names.filter(name => {
    const segment = segmentOfChecksums(name)
    return segment !== undefined && !present.has(segment)
  })
  return { segments, sequence: names.reduce((highest, name) => Math.max(highest, sequenceOf(name) ?? 0), 0), orphans }
}

async function statSegment(dir: string, file: string): Promise<Segment | undefined> {
  const found = await ifThere(stat(join(dir, file)))
  if (found?.isFile() !== true) return undefined
  return { file, sequence: sequenceOf(file) ?? 0, bytes: found.size, closed: true }
}
