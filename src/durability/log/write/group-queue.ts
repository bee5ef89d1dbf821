import { setImmediate } from 'node:timers/promises'
import type { Lines, Position } from '../contract.ts'

/** Limits how long the checksums of one commit keep the event loop busy. One append may be larger. */
const MAX_GROUP_BYTES = 4 * 1024 * 1024

/** Lines that are written and fsynced together: all appends that came during the previous group's commit. */
export class Group implements Lines {
  readonly pieces: Buffer[] = []
  readonly lengths: number[] = []
  bytes = 0
  /** Settles for all of its appends at once, with the position of the group's first line. */
  readonly done = Promise.withResolvers<Position>()
}

interface GroupQueueOptions {
  readonly commit: (group: Group) => Promise<Position>
  /** Makes the error with which appends are rejected of the error of a commit. */
  readonly refusal: (error: unknown) => Error
  /** Called when nothing waits any more. */
  readonly onIdle: () => void
}

/**
 * Group commit: one group is being written at a time, and appends that arrive meanwhile form the next group. Groups
 * grow with the load, and a single line does not wait. If a commit fails, its group and the groups that wait behind it
 * are rejected, because a later line must not overtake an earlier one of the same user.
 */
export class GroupQueue {
  readonly #options: GroupQueueOptions
  readonly #waiting: Group[] = []
  #bytes = 0
  #running: Promise<void> | undefined

  constructor(options: GroupQueueOptions) {
    this.#options = options
  }

  /** Bytes of appends that have not settled. */
  get bytes(): number {
    return this.#bytes
  }

  get isIdle(): boolean {
    return this.#running === undefined
  }

  /** Resolves when all appends have settled. Never rejects. */
  async drained(): Promise<void> {
    await this.#running
  }

  /** Puts lines into the next group. Resolves with the position of the first line. */
  add(lines: Lines, bytes: number): Promise<Position> {
    let group = this.#waiting.at(-1)
    if (group === undefined || group.bytes + bytes > MAX_GROUP_BYTES) this.#waiting.push((group = new Group()))
    const start = group.bytes
    for (const piece of lines.pieces) group.pieces.push(piece)
    for (const length of lines.lengths) group.lengths.push(length)
    group.bytes += bytes
    this.#bytes += bytes
    this.#running ??= this.#run()
    const { promise } = group.done
    return start === 0 ? promise : promise.then(({ file, offset }) => ({ file, offset: offset + start }))
  }

  async #run(): Promise<void> {
    await setImmediate() // requests that were read from their sockets in the same turn share the first group
    for (let group = this.#waiting.shift(); group !== undefined; group = this.#waiting.shift()) {
      try {
        const position = await this.#options.commit(group)
        this.#bytes -= group.bytes
        group.done.resolve(position)
      } catch (error) {
        const refusal = this.#options.refusal(error)
        for (const refused of [group, ...this.#waiting.splice(0)]) {
          this.#bytes -= refused.bytes
          refused.done.reject(refusal)
        }
      }
    }
    this.#running = undefined
    this.#options.onIdle()
  }
}
