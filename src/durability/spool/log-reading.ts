import type { OutgoingRecord } from '../../model/record.ts'
import type { KafkaLanes } from '../kafka/lanes.ts'
import { load, nextPlace } from '../lanes/reading.ts'
import type { RefusedFile } from './refused-file.ts'
import type { RestoreHistory } from './restore-history.ts'
import type { SpoolLog, SpoolChunk } from './spool-log.ts'
import type { Place } from '../lanes/place.ts'

export interface ReadingOptions {
  readonly lanes: KafkaLanes
  readonly spoolLog: SpoolLog
  readonly refused: RefusedFile
  readonly history: RestoreHistory
}

/** How often to check for lanes without progress, and to repeat a failed read. */
const POLL_MS = 500

/** Reads the log for lanes whose records are only on disk. */
export class LogReading {
  readonly #options: ReadingOptions
  readonly #timer: NodeJS.Timeout
  /** A flag beside the promise, because a run with nothing to read ends before its promise is assigned. */
  #isRunning = false
  #running: Promise<void> = Promise.resolve()
  #isStopped = false
  /** Lines that are no records were stored apart up to this place. */
  #keptUntil = -1

  constructor(options: ReadingOptions) {
    this.#options = options
    this.#timer = setInterval(() => this.wake(), POLL_MS).unref()
    this.wake()
  }

  /** Checks whether there is something to read. */
  wake(): void {
    if (this.#isStopped || this.#isRunning) return
    this.#isRunning = true
    this.#running = this.#run()
  }

  async #run(): Promise<void> {
    const { lanes, spoolLog } = this.#options
    try {
      for (;;) {
        const start = this.#isStopped ? undefined : nextPlace(lanes.board, performance.now())
        if (start === undefined) break
        const piece = await spoolLog.read(start)
        if (piece.next === piece.start || this.#isStopped) break
        await this.#take(piece)
      }
      lanes.troubles.clear('reading')
    } catch (error) {
      lanes.troubles.set('reading', `the log cannot be read: ${(error as Error).message}`)
    }
    this.#isRunning = false
    lanes.wake()
  }

  async #take({ start, next, lines }: SpoolChunk): Promise<void> {
    const { lanes, spoolLog, history } = this.#options
    const restored: { place: Place; record: OutgoingRecord }[] = []
    const broken: Buffer[] = []
    for (const { place, line } of lines) {
      // Copied, because one waiting line would keep the whole chunk in memory.
      const record = history.restore(Buffer.from(line), place)
      if (record === undefined) broken.push(line)
      else restored.push({ place, record })
    }
    if (broken.length > 0) await this.#storeBroken(broken, start)
    load(
      lanes.board,
      { start, next, lines: restored, readAt: performance.now() },
      {
        partitionOf: (topic, record) => lanes.partitionOf(topic, record),
        isDone: at => spoolLog.isDone(at, lanes.partitions.get(at.topic))
      }
    )
    lanes.wake()
  }

  /** Stores each broken line apart once, although a piece may be read for several lanes. */
  async #storeBroken(broken: readonly Buffer[], start: Place): Promise<void> {
    if (start <= this.#keptUntil) return
    const reason = 'the line is not a record of this server'
    await this.#options.refused.keep(broken.map(line => ({ line, topic: '', reason })))
    this.#keptUntil = start
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    clearInterval(this.#timer)
    await this.#running
  }
}
