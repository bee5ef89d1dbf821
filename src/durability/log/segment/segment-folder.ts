import type { SegmentSource } from '../contract.ts'
import { findSegments } from './segment-list.ts'

/**
 * A folder of segments as it is now, to be read only: for tools that look on while a server may be writing. A line
 * that the server is just writing at the end is left out. Rejects with the file system's error.
 */
export async function readSegmentFolder(dir: string): Promise<SegmentSource> {
  const { segments } = await findSegments(dir)
  const last = segments.at(-1)
  if (last !== undefined) last.closed = false
  return {
    dir,
    segments: () => segments,
    subscribe: () => () => undefined,
    remove: () => Promise.reject(new Error('the segments of a folder that is only looked at are not removed'))
  }
}
