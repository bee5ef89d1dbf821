import type { Worker } from 'node:cluster'
import type { Asker } from './asker.ts'
import { createAsker } from './asker.ts'
import type { Beat, FromPrimary, FromWorker, StartMessage } from './messages.ts'
import { SILENT_MS } from './messages.ts'

export type SlotState = 'starting' | 'listening' | 'stopping' | 'waiting' | 'stopped'

/** One worker, over all its lives. */
export interface Slot {
  readonly index: number
  readonly state: SlotState
  readonly pid: number | undefined
  /** The last one; of a life before where this one has sent none. */
  readonly beat: Beat | undefined
  /** Whether it listens and has not been heard of for a second. */
  readonly isSilent: boolean
  /** Why it does not run, in words. */
  readonly problem: string | undefined
  readonly restarts: number
  /** What it has said to leave for Kafka; undefined where it ended without a word. */
  readonly left: number | undefined
  readonly asker: Asker
  /** Whether this life was told its task. */
  readonly isStarted: boolean
  send(message: FromPrimary): void
}

export interface SupervisorOptions {
  readonly count: number
  /** What a worker is told before it builds its server, beside its task. */
  readonly startFacts: (index: number, task: StartMessage['task']) => Pick<StartMessage, 'epoch' | 'share'>
  /** Starts a process. */
  readonly fork: () => Worker
  /** A worker that was told to stop is killed after so long. */
  readonly stopMs: number
  /** Told of messages that are not about starting, stopping and answers. */
  readonly onMessage: (slot: Slot, message: FromWorker) => void
  /** Told after a process has ended, however it did. */
  readonly onGone: (slot: Slot) => void
  readonly log: {
    info(facts: object, message: string): void
    error(facts: object, message: string): void
  }
}

/** A worker cannot serve, for a reason in words. */
class WorkerFailed extends Error {
  override readonly name = 'WorkerFailed'
  readonly code = 'WORKER_FAILED'
}

export interface Supervisor {
  readonly slots: readonly Slot[]
  readonly isStopping: boolean
  /** Of the tracking API; empty before a worker listens. */
  readonly url: string
  /** Rejects when a worker's first life ends because Kafka refuses what is configured; else it stays open. */
  readonly refused: Promise<never>
  /** Resolves with the tracking URL once all listen. Rejects with the words of the first that cannot. */
  start(): Promise<string>
  /** Replaces the workers one at a time. Rejects, in words, where a new one cannot start; the others stay. */
  roll(): Promise<void>
  /** Runs one more process until it ends by itself or is told to stop. */
  run(index: number, task: 'drain'): Promise<void>
  /** Stops all; resolves when the last has ended: false where one had to be killed. */
  stop(): Promise<boolean>
}

const FIRST_RESTART_MS = 100
const MAX_RESTART_MS = 10_000
/** After so long a life a failure counts as the first again. */
const GOOD_LIFE_MS = 10_000

class WorkerSlot implements Slot {
  readonly index: number
  readonly task: StartMessage['task']
  readonly asker: Asker
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
    this.asker = createAsker(message => this.send(message))
  }

  get pid(): number | undefined {
    return this.process?.process.pid
  }

  get isSilent(): boolean {
    return this.state === 'listening' && performance.now() - this.heardAt > SILENT_MS
  }

  send(message: FromPrimary): void {
    // A worker that has just ended takes nothing; its exit says so.
    if (this.process?.isConnected() === true) this.process.send(message, () => undefined)
  }

  become(state: SlotState): void {
    this.state = state
    for (const tell of this.watchers) tell()
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

/** Keeps `count` worker processes running: starts them, again where they end, replaces them and stops them. */
export function createSupervisor(options: SupervisorOptions): Supervisor {
  const { count, startFacts, fork, stopMs, onMessage, onGone, log } = options
  const refusal = Promise.withResolvers<never>()
  refusal.promise.catch(() => undefined)
  const slots = Array.from({ length: count }, (_, index) => new WorkerSlot(index, 'serve'))
  const extra = new Set<WorkerSlot>()
  let isStarted = false
  let isStopping = false
  let wasKilled = false
  let url = ''

  function launch(slot: WorkerSlot): void {
    if (isStopping) return
    const child = fork()
    slot.lives++
    Object.assign(slot, {
      process: child,
      bornAt: performance.now(),
      left: undefined,
      problem: undefined,
      isStarted: false
    })
    child.on('message', (message: FromWorker) => hear(slot, message))
    child.on('error', error => log.error({ worker: slot.index, problem: error.message }, 'a worker cannot be reached'))
    child.once('exit', (code, signal) => ended(slot, signal ?? `code ${code}`))
    slot.become('starting')
  }

  function hear(slot: WorkerSlot, message: FromWorker): void {
    slot.heardAt = performance.now()
    switch (message.op) {
      case 'hello':
        slot.send({ op: 'start', index: slot.index, count, task: slot.task, ...startFacts(slot.index, slot.task) })
        slot.isStarted = true
        return
      case 'listening':
        url = message.url
        if (slot.state === 'starting') slot.become('listening')
        break
      case 'failed':
        slot.problem = message.words
        if (message.isRefused && slot.lives === 1) refusal.reject(new WorkerFailed(message.words))
        return
      case 'answer':
        return slot.asker.answered(message)
      case 'beat':
        slot.beat = message
        break
      case 'stopped':
        slot.left = message.left
        break
      default:
    }
    onMessage(slot, message)
  }

  function ended(slot: WorkerSlot, how: string): void {
    slot.asker.end()
    slot.process = undefined
    onGone(slot)
    const { index, state } = slot
    if (state === 'stopping' || isStopping || !isStarted || slot.task !== 'serve') {
      slot.problem ??= state === 'starting' ? `it ended with ${how} before it listened` : undefined
      return slot.become('stopped')
    }
    const words = slot.problem ?? `it ended with ${how}`
    slot.failures = performance.now() - slot.bornAt > GOOD_LIFE_MS ? 1 : slot.failures + 1
    const waitMs = Math.min(MAX_RESTART_MS, FIRST_RESTART_MS * 2 ** (slot.failures - 1))
    log.error({ worker: index, problem: words, waitMs }, `worker ${index} has ended: it is started again`)
    slot.problem = words
    slot.restarts++
    slot.timer = setTimeout(launch, waitMs, slot)
    slot.become('waiting')
  }

  async function end(slot: WorkerSlot): Promise<void> {
    clearTimeout(slot.timer)
    if (slot.process === undefined) return slot.become('stopped')
    slot.become('stopping')
    slot.send({ op: 'stop' })
    const late = setTimeout(() => {
      wasKilled = true
      log.error({ worker: slot.index }, `worker ${slot.index} did not stop in time: it is killed`)
      slot.process?.process.kill('SIGKILL')
    }, stopMs)
    await slot.reaches('stopped')
    clearTimeout(late)
  }

  async function launchAndWait(slot: WorkerSlot): Promise<void> {
    launch(slot)
    await slot.reaches('listening', 'waiting', 'stopped')
    if (slot.state !== 'listening') throw new WorkerFailed(slot.problem ?? 'the server is stopping')
  }

  async function replace(slot: WorkerSlot): Promise<void> {
    await end(slot)
    if (isStopping) throw new WorkerFailed('the server is stopping')
    await launchAndWait(slot)
  }

  /** With one worker nobody would listen while it is replaced. */
  async function withStandIn(work: () => Promise<void>): Promise<void> {
    const standIn = new WorkerSlot(count, 'serve')
    extra.add(standIn)
    try {
      await launchAndWait(standIn)
      await work()
    } finally {
      await end(standIn)
      extra.delete(standIn)
    }
  }

  async function rollAll(): Promise<void> {
    for (const slot of slots) if (slot.state === 'listening') await replace(slot)
  }

  return {
    slots,
    get isStopping() {
      return isStopping
    },
    get url() {
      return url
    },
    refused: refusal.promise,
    async start() {
      for (const slot of slots) launch(slot)
      await Promise.race([
        Promise.all(slots.map(slot => slot.reaches('listening'))),
        ...slots.map(slot => slot.reaches('stopped'))
      ])
      const failed = slots.find(({ state }) => state === 'stopped')
      if (failed !== undefined)
        throw new WorkerFailed(failed.problem ?? `worker ${failed.index} ended while it started`)
      isStarted = true
      return url
    },
    roll: () => (count === 1 ? withStandIn(rollAll) : rollAll()),
    async run(index, task) {
      const slot = new WorkerSlot(index, task)
      extra.add(slot)
      launch(slot)
      await slot.reaches('stopped')
      extra.delete(slot)
      if (slot.problem !== undefined) throw new WorkerFailed(slot.problem)
    },
    async stop() {
      isStopping = true
      await Promise.all([...slots, ...extra].map(end))
      return !wasKilled
    }
  }
}
