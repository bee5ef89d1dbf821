import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../../src/model/clock.ts'
import { createLogReader } from '../../src/sinks/event-log/log-reader.ts'
import type { LogReader, LogReaderOptions } from '../../src/sinks/event-log/log-reader.ts'
import type { Lines, LogLines, SegmentLog } from '../../src/sinks/event-log/contract.ts'
import { openSegmentLog } from '../../src/sinks/event-log/segment-log.ts'
import type { SegmentLogOptions } from '../../src/sinks/event-log/segment-log.ts'

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

/** A clock that moves when it is told to; wall time and monotonic time apart. */
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

/** Lines that lie side by side in one buffer, as a request's lines do. */
export function linesOf(ids: readonly (number | string)[], padding = 0): Buffer[] {
  const lines = ids.map(id => lineOf(id, padding))
  const whole = Buffer.concat(lines)
  let at = 0
  return lines.map(line => whole.subarray(at, (at += line.length)))
}

/** Lines as a log takes them; those that lie side by side in memory are one piece. */
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

export async function openReader(
  source: LogReaderOptions['source'],
  options: Partial<LogReaderOptions> = {}
): Promise<LogReader> {
  return await createLogReader({ source, log: createLogLines(), ...options })
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

/** The ids in the segment files themselves, as jq would see them. */
export function idsOnDisk(dir: string): (number | string)[] {
  const lines = segmentFiles(dir).flatMap(file => readFileSync(join(dir, file), 'utf8').split('\n'))
  return lines.filter(line => line !== '').map(line => idOf(Buffer.from(line)))
}

/** The problem that the promise was rejected with; undefined when it was not. */
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
