/** The slot of a worker: its number, its current process, and the state that its processes have reported. */
import type { Worker } from 'node:cluster'
import type { IpcClient } from './ipc-client.ts'
import { createIpcClient } from './ipc-client.ts'
import type { Beat, FromPrimary, StartMessage } from './messages.ts'
import { SILENT_MS } from './messages.ts'

export type SlotState = 'starting' | 'listening' | 'stopping' | 'waiting' | 'stopped'

/** A worker, over all its processes. */
export interface Slot {
  readonly index: number
  readonly state: SlotState
  readonly pid: number | undefined
  /** The last heartbeat; that of an earlier process if the current one has sent none. */
  readonly beat: Beat | undefined
  /** Whether it listens and has sent no heartbeat for a second. */
  readonly isSilent: boolean
  /** Why it does not run. */
  readonly problem: string | undefined
  readonly restarts: number
  /** The bytes that it has reported as not confirmed by Kafka at its end; undefined if it ended without a report. */
  readonly left: number | undefined
  readonly ipc: IpcClient
  /** Whether the current process has got its task. */
  readonly isStarted: boolean
  send(message: FromPrimary): void
}

/** A slot with the methods by which the supervisor changes it. Other code sees a Slot. */
export class WorkerSlot implements Slot {
  readonly index: number
  readonly task: StartMessage['task']
  readonly ipc: IpcClient
  state: SlotState = 'stopped'
  process: Worker | undefined
  beat: Beat | undefined
  heardAt = 0
  bornAt = 0
  problem: string | undefined
  failures = 0
  restarts = 0
  lives = 0
  isStarted = false
  left: number | undefined
  timer: NodeJS.Timeout | undefined
  /** Called at each change of state. */
  readonly watchers = new Set<() => void>()

  constructor(index: number, task: StartMessage['task']) {
    this.index = index
    this.task = task
    this.ipc = createIpcClient(message => this.send(message))
  }

  get pid(): number | undefined {
    return this.process?.process.pid
  }

  get isSilent(): boolean {
    return this.state === 'listening' && performance.now() - this.heardAt > SILENT_MS
  }

  /** What an earlier process reported as not confirmed does not count for this one. */
  startLife(process: Worker): void {
    this.process = process
    this.bornAt = performance.now()
    this.lives++
    this.left = undefined
    this.problem = undefined
    this.isStarted = false
  }

  send(message: FromPrimary): void {
    // A process that has just ended takes no message; its exit is handled elsewhere.
    if (this.process?.isConnected() === true) this.process.send(message, () => undefined)
  }

  become(state: SlotState): void {
    this.state = state
    for (const notify of this.watchers) notify()
  }

  /** Resolves when one of the states is reached. */
  reaches(...states: readonly SlotState[]): Promise<void> {
    return new Promise(resolve => {
      const look = (): void => {
        if (!states.includes(this.state)) return
        this.watchers.delete(look)
        resolve()
      }
      this.watchers.add(look)
      look()
    })
  }
}
