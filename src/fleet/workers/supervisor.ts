import type { Worker } from 'node:cluster'
import type { FromWorker, StartMessage } from './messages.ts'
import type { Slot } from './slot.ts'
import { WorkerSlot } from './slot.ts'

export interface SupervisorOptions {
  readonly count: number
  /** The facts that a worker gets with its task, before it builds its server. */
  readonly startFacts: (index: number, task: StartMessage['task']) => Pick<StartMessage, 'epoch' | 'share'>
  /** Starts a process. */
  readonly fork: () => Worker
  /** A worker that does not stop within this time is killed. */
  readonly stopMs: number
  /** Called for messages that are not about starting, stopping and answers. */
  readonly onMessage: (slot: Slot, message: FromWorker) => void
  /** Called after a process has ended, for any reason. */
  readonly onGone: (slot: Slot) => void
  readonly log: {
    info(facts: object, message: string): void
    error(facts: object, message: string): void
  }
}

/** A worker cannot serve; the message is the reason. */
class WorkerFailed extends Error {
  override readonly name = 'WorkerFailed'
  readonly code = 'WORKER_FAILED'
}

const FIRST_RESTART_MS = 100
const MAX_RESTART_MS = 10_000
/** A failure after a process has run this long counts as a first failure. */
const GOOD_LIFE_MS = 10_000

/** Keeps `count` worker processes running: starts, restarts, replaces and stops them. */
export class Supervisor {
  readonly #options: SupervisorOptions
  readonly #slots: readonly WorkerSlot[]
  /** Processes beyond the `count`: one that drains a folder, and one that replaces the only worker during a restart. */
  readonly #extra = new Set<WorkerSlot>()
  readonly #refusal = Promise.withResolvers<never>()
  #isStarted = false
  #isStopping = false
  #wasKilled = false
  #url = ''

  constructor(options: SupervisorOptions) {
    this.#options = options
    this.#slots = Array.from({ length: options.count }, (_, index) => new WorkerSlot(index, 'serve'))
    this.#refusal.promise.catch(() => undefined)
  }

  get slots(): readonly Slot[] {
    return this.#slots
  }

  get isStopping(): boolean {
    return this.#isStopping
  }

  /** The URL of the tracking API; empty before a worker listens. */
  get url(): string {
    return this.#url
  }

  /**
   * Rejects when the first process of a worker ends because Kafka refuses what is configured. Otherwise it never
   * settles.
   */
  get refused(): Promise<never> {
    return this.#refusal.promise
  }

  /**
   * Resolves with the tracking URL when all workers listen. Rejects with the reason of the first worker that cannot.
   */
  async start(): Promise<string> {
    for (const slot of this.#slots) this.#launch(slot)
    await Promise.race([
      Promise.all(this.#slots.map(slot => slot.reaches('listening'))),
      ...this.#slots.map(slot => slot.reaches('stopped'))
    ])
    const failed = this.#slots.find(({ state }) => state === 'stopped')
    if (failed !== undefined) throw new WorkerFailed(failed.problem ?? `worker ${failed.index} ended while it started`)
    this.#isStarted = true
    return this.#url
  }

  /** Replaces the workers one at a time. Rejects with a readable Error if a new one cannot start; the others stay. */
  async roll(): Promise<void> {
    // With a single worker, no process would listen while it is replaced.
    if (this.#slots.length === 1) await this.#withStandIn(() => this.#rollAll())
    else await this.#rollAll()
  }

  /** Runs one more process until it ends by itself or is stopped. */
  async run(index: number, task: 'drain'): Promise<void> {
    const slot = new WorkerSlot(index, task)
    this.#extra.add(slot)
    this.#launch(slot)
    await slot.reaches('stopped')
    this.#extra.delete(slot)
    if (slot.problem !== undefined) throw new WorkerFailed(slot.problem)
  }

  /** Stops all workers. Resolves when the last one has ended, with false if one had to be killed. */
  async stop(): Promise<boolean> {
    this.#isStopping = true
    await Promise.all([...this.#slots, ...this.#extra].map(slot => this.#end(slot)))
    return !this.#wasKilled
  }

  #launch(slot: WorkerSlot): void {
    if (this.#isStopping) return
    const child = this.#options.fork()
    slot.startLife(child)
    child.on('message', (message: FromWorker) => this.#hear(slot, message))
    child.on('error', error => {
      this.#options.log.error({ worker: slot.index, problem: error.message }, 'a worker cannot be reached')
    })
    child.once('exit', (code, signal) => this.#ended(slot, { code, how: signal ?? `code ${code}` }))
    slot.become('starting')
  }

  #hear(slot: WorkerSlot, message: FromWorker): void {
    const { count, startFacts, onMessage } = this.#options
    slot.heardAt = performance.now()
    switch (message.op) {
      case 'hello':
        slot.send({ op: 'start', index: slot.index, count, task: slot.task, ...startFacts(slot.index, slot.task) })
        slot.isStarted = true
        return
      case 'listening':
        this.#url = message.url
        if (slot.state === 'starting') slot.become('listening')
        break
      case 'failed':
        slot.problem = message.words
        if (message.isRefused && slot.lives === 1) this.#refusal.reject(new WorkerFailed(message.words))
        return
      case 'answer':
        return slot.ipc.answered(message)
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

  #ended(slot: WorkerSlot, { code, how }: { readonly code: number | null; readonly how: string }): void {
    slot.ipc.end()
    slot.process = undefined
    this.#options.onGone(slot)
    const { state } = slot
    if (state !== 'stopping' && !this.#isStopping && this.#isStarted && slot.task === 'serve') {
      this.#startAgain(slot, slot.problem ?? `it ended with ${how}`)
      return
    }
    // A process that drains a folder never listens: exit code 0 means that nothing is left.
    const isDone = slot.task === 'drain' ? code === 0 : state !== 'starting'
    const aim = slot.task === 'drain' ? 'Kafka had all of its folder' : 'it listened'
    slot.problem ??= isDone ? undefined : `it ended with ${how} before ${aim}`
    slot.become('stopped')
  }

  /** Restarts a worker after a pause that doubles with each successive failure. */
  #startAgain(slot: WorkerSlot, problem: string): void {
    slot.failures = performance.now() - slot.bornAt > GOOD_LIFE_MS ? 1 : slot.failures + 1
    const waitMs = Math.min(MAX_RESTART_MS, FIRST_RESTART_MS * 2 ** (slot.failures - 1))
    const { index } = slot
    this.#options.log.error({ worker: index, problem, waitMs }, `worker ${index} has ended: it is started again`)
    slot.problem = problem
    slot.restarts++
    slot.timer = setTimeout(() => this.#launch(slot), waitMs)
    slot.become('waiting')
  }

  async #end(slot: WorkerSlot): Promise<void> {
    const { stopMs, log } = this.#options
    clearTimeout(slot.timer)
    if (slot.process === undefined) return slot.become('stopped')
    slot.become('stopping')
    slot.send({ op: 'stop' })
    const late = setTimeout(() => {
      this.#wasKilled = true
      log.error({ worker: slot.index }, `worker ${slot.index} did not stop in time: it is killed`)
      slot.process?.process.kill('SIGKILL')
    }, stopMs)
    await slot.reaches('stopped')
    clearTimeout(late)
  }

  async #launchAndWait(slot: WorkerSlot): Promise<void> {
    this.#launch(slot)
    await slot.reaches('listening', 'waiting', 'stopped')
    if (slot.state !== 'listening') throw new WorkerFailed(slot.problem ?? 'the server is stopping')
  }

  async #rollAll(): Promise<void> {
    for (const [index, slot] of this.#slots.entries()) {
      if (slot.state !== 'listening') continue
      await this.#end(slot)
      if (this.#isStopping) throw new WorkerFailed('the server is stopping')
      await this.#launchAndWait(slot).catch((error: Error) => {
        const done = `the roll stopped at worker ${index} of ${this.#slots.length}`
        throw new WorkerFailed(`${error.message}; ${done}: send SIGUSR2 again once it listens`)
      })
    }
  }

  async #withStandIn(work: () => Promise<void>): Promise<void> {
    const standIn = new WorkerSlot(this.#options.count, 'serve')
    this.#extra.add(standIn)
    try {
      await this.#launchAndWait(standIn)
      await work()
    } finally {
      await this.#end(standIn)
      this.#extra.delete(standIn)
    }
  }
}
