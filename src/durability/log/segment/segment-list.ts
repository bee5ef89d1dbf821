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
export interface SegmentList {
  readonly all: readonly Segment[]
  /** The bytes of all segments. */
  bytes(): number
  add(segment: Segment): void
  grow(segment: Segment, bytes: number): void
  drop(segment: Segment): void
  /** Replaces the list by the segments found on disk. `sequence`: the highest number ever used. */
  load(segments: readonly Segment[], sequence: number): void
  /**
   * A name that sorts after all others.
   *
   * @param now milliseconds since the epoch
   */
  nextName(now: number): { file: string; sequence: number }
}

export function createSegmentList(): SegmentList {
  let all: Segment[] = []
  let bytes = 0
  let sequence = 0
  let lastName: string | undefined

  return {
    get all() {
      return all
    },
    bytes: () => bytes,
    add(segment) {
      all.push(segment)
      bytes += segment.bytes
    },
    grow(segment, more) {
      segment.bytes += more
      bytes += more
    },
    drop(segment) {
      if (!all.includes(segment)) return
      all = all.filter(other => other !== segment)
      bytes -= segment.bytes
    },
    load(segments, highest) {
      all = [...segments]
      bytes = all.reduce((sum, segment) => sum + segment.bytes, 0)
      sequence = highest
      lastName = all.at(-1)?.file
    },
    nextName(now) {
      sequence += 1
      lastName = segmentName({ now, sequence, after: lastName })
      return { file: lastName, sequence }
    }
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

const STATS_AT_ONCE = 32

/** Reads the names and sizes of a folder's files, not their content. Rejects with the file system's error. */
export async function findSegments(dir: string): Promise<FoundFolder> {
  const names = await readdir(dir)
  const files = names.filter(isSegmentName).sort((a, b) => (sequenceOf(a) ?? 0) - (sequenceOf(b) ?? 0))
  const present = new Set(files)
  const segments: Segment[] = []
  for (let at = 0; at < files.length; at += STATS_AT_ONCE) {
    const found = await Promise.all(files.slice(at, at + STATS_AT_ONCE).map(file => statSegment(dir, file)))
    segments.push(...found.filter(segment => segment !== undefined))
  }
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
