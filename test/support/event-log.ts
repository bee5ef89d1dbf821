import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../../src/model/clock.ts'
import type { DamagedRange, Lines, LogLines, Position, SegmentLog } from '../../src/durability/log/contract.ts'
import { savePositions } from '../../src/durability/log/segment/position-file.ts'
import { openSegmentLog } from '../../src/durability/log/write/segment-log.ts'
import type { SegmentLogOptions } from '../../src/durability/log/write/segment-log.ts'
import { openSpoolLog } from '../../src/durability/spool/spool-log.ts'

export interface LoggedLine {
  readonly level: 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: Record<string, unknown>
}

/** A logger that keeps its lines. */
export function createLogLines(): LogLines & { readonly lines: LoggedLine[] } {
  const lines: LoggedLine[] = []
  const at = (level: LoggedLine['level']) => (fields: object, message: string) => {
    lines.push({ level, message, fields: { ...fields } })
  }
  return { lines, info: at('info'), warn: at('warn'), error: at('error') }
}

/** A clock that only moves when a test moves it; wall time and monotonic time are separate. */
export function createHandClock(): Clock & { wall: number; steady: number } {
  return {
    wall: Date.UTC(2026, 10, 23, 11, 43),
    steady: 0,
    now() {
      return this.wall
    },
    monotonic() {
      return this.steady
    }
  }
}

/** A record's line with this id; `padding` bytes make it longer. */
export function lineOf(id: number | string, padding = 0): Buffer {
  return Buffer.from(`{"id":${JSON.stringify(id)}${padding > 0 ? `,"pad":"${'x'.repeat(padding)}"` : ''}}\n`)
}

/** Adjacent lines in one buffer, like the lines of a request. */
export function linesOf(ids: readonly (number | string)[], padding = 0): Buffer[] {
  const lines = ids.map(id => lineOf(id, padding))
  const whole = Buffer.concat(lines)
  let at = 0
  return lines.map(line => whole.subarray(at, (at += line.length)))
}

/** Lines in the form that a log accepts. Adjacent lines are one piece. */
export function linesFrom(lines: readonly Buffer[]): Lines {
  const pieces: Buffer[] = []
  for (const line of lines) {
    const last = pieces.at(-1)
    const isNext = last?.buffer === line.buffer && last.byteOffset + last.length === line.byteOffset
    if (!isNext) pieces.push(line)
    else pieces.splice(-1, 1, Buffer.from(last.buffer, last.byteOffset, last.length + line.length))
  }
  return { pieces, lengths: lines.map(({ length }) => length) }
}

export function idOf(line: Buffer): number | string {
  return (JSON.parse(line.toString()) as { id: number | string }).id
}

export async function openLog(dir: string, options: Partial<SegmentLogOptions> = {}): Promise<SegmentLog> {
  return await openSegmentLog({ dir, clock: createHandClock(), log: createLogLines(), ...options })
}

export interface Batch {
  readonly lines: readonly Buffer[]
  /** The place of the next batch. */
  readonly end: number
  /** The place after line `index`. */
  after(index: number): number
}

export interface LogReader {
  next(): Promise<Batch | undefined>
  /** Marks everything before the position as delivered, for all readers of the log. */
  commit(place: number): Promise<void>
  backlogBytes(): number
  close(): Promise<void>
}

/** Reads a log as the lanes do, from the positions that are stored in its folder. */
export async function openReader(
  spool: SegmentLog,
  options: {
    readonly log?: LogLines
    readonly chunkBytes?: number
    readonly onDamaged?: (range: DamagedRange) => void
    readonly deleteConsumed?: boolean
  } = {}
): Promise<LogReader> {
  const { log = createLogLines(), deleteConsumed = false, ...more } = options
  const spoolLog = await openSpoolLog({ kept: [], spool, log, ...more })
  let floor = spoolLog.start()
  let next = floor
  if (deleteConsumed) await spoolLog.clear(floor, true)
  return {
    async next() {
      const piece = await spoolLog.read(next)
      if (piece.next === piece.start) return undefined
      next = piece.next
      const ends = piece.lines.map(({ place, line }) => place + line.length)
      return { lines: piece.lines.map(({ line }) => Buffer.from(line)), end: next, after: index => ends[index] ?? next }
    },
    async commit(place) {
      floor = Math.max(floor, place)
      await spoolLog.save({ floor, lanes: [], partitions: new Map() })
      if (deleteConsumed) await spoolLog.clear(floor, true)
    },
    backlogBytes: () => spoolLog.backlogBytes(floor),
    close: () => spoolLog.close()
  }
}

/** Saves one position for all topics, as earlier versions did. */
export async function savePosition(path: string, floor: Position): Promise<void> {
  await savePositions(path, { floor, topics: {} })
}

/** Every id from the reader's place to the end. */
export async function readIds(reader: LogReader): Promise<(number | string)[]> {
  const ids: (number | string)[] = []
  for (let batch = await reader.next(); batch !== undefined; batch = await reader.next())
    ids.push(...batch.lines.map(idOf))
  return ids
}

/** The folder's segments, by name. */
export function segmentFiles(dir: string): string[] {
  return readdirSync(dir)
    .filter(name => name.endsWith('.ndjson'))
    .sort()
}

/** The ids in the segment files themselves, as jq sees them. */
export function idsOnDisk(dir: string): (number | string)[] {
  const lines = segmentFiles(dir).flatMap(file => readFileSync(join(dir, file), 'utf8').split('\n'))
  return lines.filter(line => line !== '').map(line => idOf(Buffer.from(line)))
}

/** The error with which the promise was rejected; undefined if it was not. */
export async function failureOf(promise: Promise<unknown>): Promise<Error | undefined> {
  return await promise.then(
    () => undefined,
    (error: Error) => error
  )
}

export async function until(what: () => boolean | Promise<boolean>, withinMs = 5_000): Promise<void> {
  const end = performance.now() + withinMs
  while (!(await what())) {
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${what.toString()}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}
