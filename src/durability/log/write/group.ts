import type { Position } from '../contract.ts'

/** Lines that are written and fsynced together: all appends that came during the previous group's commit. */
export interface Group {
  readonly pieces: Buffer[]
  readonly lengths: number[]
  bytes: number
  /** Settles for all of its appends at once, with the position of the group's first line. */
  readonly done: Promise<Position>
  resolve(position: Position): void
  reject(error: Error): void
}

export function createGroup(): Group {
  const { promise, resolve, reject } = Promise.withResolvers<Position>()
  return { pieces: [], lengths: [], bytes: 0, done: promise, resolve, reject }
}
