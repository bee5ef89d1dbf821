import type { Position } from './contract.ts'

/** What is written and fsynced together: everything that was handed in while the previous group was under way. */
export interface Group {
  readonly lines: Buffer[]
  bytes: number
  /** Settles for all of its appends at once, with the position of the group's first line. */
  readonly done: Promise<Position>
  resolve(position: Position): void
  reject(error: Error): void
}

export function createGroup(): Group {
  const { promise, resolve, reject } = Promise.withResolvers<Position>()
  return { lines: [], bytes: 0, done: promise, resolve, reject }
}

/** As few buffers as can be had without copying: lines that lie side by side in memory are taken as one piece. */
export function piecesOf(lines: readonly Buffer[]): Buffer[] {
  const pieces: Buffer[] = []
  let run: { buffer: ArrayBufferLike; start: number; end: number } | undefined
  for (const line of lines) {
    if (run !== undefined && run.buffer === line.buffer && run.end === line.byteOffset) {
      run.end += line.length
      continue
    }
    if (run !== undefined) pieces.push(Buffer.from(run.buffer, run.start, run.end - run.start))
    run = { buffer: line.buffer, start: line.byteOffset, end: line.byteOffset + line.length }
  }
  if (run !== undefined) pieces.push(Buffer.from(run.buffer, run.start, run.end - run.start))
  return pieces
}
