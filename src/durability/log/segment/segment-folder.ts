import type { SegmentSource } from '../contract.ts'
import { findSegments } from './segment-list.ts'

/**
 * Reads the current state of a folder of segments, for tools that read while a server may be writing. An incomplete
 * line at the end, which the server is writing, is left out. Rejects with the file system's error.
 */
export async function readSegmentFolder(dir: string): Promise<SegmentSource> {
  const { segments } = await findSegments(dir)
  const last = segments.at(-1)
  if (last !== undefined) last.closed = false
  return { dir, segments: () => segments }
}
