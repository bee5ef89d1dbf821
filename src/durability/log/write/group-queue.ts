import { setImmediate } from 'node:timers/promises'
import type { Lines, Position } from '../contract.ts'
import { createGroup } from './group.ts'
import type { Group } from './group.ts'

/** Limits how long the checksums of one commit keep the event loop busy. One append may be larger. */
const MAX_GROUP_BYTES = 4 * 1024 * 1024

export interface GroupQueue {
  /** Puts lines into the next group. */
  add(lines: Lines, bytes: number): Promise<Position>
  /** Bytes of appends that have not settled. */
  bytes(): number
  isIdle(): boolean
  /** Resolves when all appends have settled. Never rejects. */
  drained(): Promise<void>
}

/**
 * Group commit: one group is being written at a time, and appends that arrive meanwhile form the next group. Groups
 * grow with the load, and a single line does not wait. If a commit fails, its group and the groups that wait behind it
 * are rejected with the error that `refusal` returns, because a later line must not overtake an earlier one of the same
 * user.
 */
export function createGroupQueue(options: {
  commit: (group: Group) => Promise<Position>
  refusal: (error: unknown) => Error
  /** Called when nothing waits any more. */
  onIdle: () => void
}): GroupQueue {
  const waiting: Group[] = []
  let queued = 0
  let running: Promise<void> | undefined

  async function run(): Promise<void> {
    await setImmediate() // requests that were read from their sockets in the same turn share the first group
    for (let group = waiting.shift(); group !== undefined; group = waiting.shift()) {
      try {
        const position = await options.commit(group)
        queued -= group.bytes
        group.resolve(position)
      } catch (error) {
        reject([group, ...waiting.splice(0)], options.refusal(error))
      }
    }
    running = undefined
    options.onIdle()
  }

  function reject(groups: readonly Group[], error: Error): void {
    for (const group of groups) {
      queued -= group.bytes
      group.reject(error)
    }
  }

  return {
    bytes: () => queued,
    isIdle: () => running === undefined,
    drained: async () => await running,
    add(lines, bytes) {
      let group = waiting.at(-1)
      if (group === undefined || group.bytes + bytes > MAX_GROUP_BYTES) waiting.push((group = createGroup()))
      const start = group.bytes
      for (const piece of lines.pieces) group.pieces.push(piece)
      for (const length of lines.lengths) group.lengths.push(length)
      group.bytes += bytes
      queued += bytes
      running ??= run()
      return start === 0 ? group.done : group.done.then(({ file, offset }) => ({ file, offset: offset + start }))
    }
  }
}
