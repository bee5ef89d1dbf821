import { readFile } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import type { Position } from '../contract.ts'
import { describeFileError, isNotFound, replaceFile } from './files.ts'
import { isSegmentName, sequenceOf } from './segment-name.ts'

/**
 * How far a folder of segments is delivered: `{"file":"...","offset":1024,"check":"9a3c1f20","topics":{...},...}`.
 * Earlier versions wrote and read only the first three members.
 */
export const POSITION_FILE = 'position.json'

/** The positions of those partitions of a topic that are ahead of the floor. */
export interface TopicPositions {
  /** How many partitions the topic had. */
  readonly partitions: number
  /** By partition. */
  readonly at: Readonly<Record<string, Position>>
}

export interface ConsumerPosition {
  /** All lines before it are delivered. */
  readonly floor: Position
  readonly topics: Readonly<Record<string, TopicPositions>>
}

/**
 * Replaces the position atomically: after a crash, the file has the old content or the new one. Rejects with the file
 * system's error.
 */
export async function savePositions(path: string, { floor, topics }: ConsumerPosition): Promise<void> {
  const { file, offset } = floor
  const more = Object.keys(topics).length === 0 ? {} : { topics, topicsCheck: checkOf(JSON.stringify(topics)) }
  const text = JSON.stringify({ file, offset, check: checkOf(`${file} ${offset}`), ...more })
  await replaceFile(path, Buffer.from(text + '\n'))
}

/** The stored positions. If there are none or they are damaged: undefined, with the reason as text. */
export async function loadPositions(path: string): Promise<{ delivered?: ConsumerPosition; problem?: string }> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    return isNotFound(error) ? {} : { problem: describeFileError(error) }
  }
  const delivered = parse(text)
  return delivered === undefined ? { problem: 'the position file is damaged' } : { delivered }
}

function parse(text: string): ConsumerPosition | undefined {
  try {
    const { file, offset, check, topics, topicsCheck } = JSON.parse(text) as Record<string, unknown>
    const floor = { file, offset }
    if (!isPosition(floor) || check !== checkOf(`${floor.file} ${floor.offset}`)) return undefined
    if (topics === undefined || topicsCheck !== checkOf(JSON.stringify(topics))) return { floor, topics: {} }
    return { floor, topics: topics as ConsumerPosition['topics'] }
  } catch {
    return undefined
  }
}

function isPosition(value: { file: unknown; offset: unknown }): value is Position {
  const { file, offset } = value
  return typeof file === 'string' && isSegmentName(file) && Number.isSafeInteger(offset) && (offset as number) >= 0
}

function checkOf(text: string): string {
  return crc32(text).toString(16).padStart(8, '0')
}

/** Negative if `a` is before `b`, 0 if they are equal, positive if `a` is after `b`. */
export function comparePositions(a: Position, b: Position): number {
  return (sequenceOf(a.file) ?? 0) - (sequenceOf(b.file) ?? 0) || a.offset - b.offset
}
