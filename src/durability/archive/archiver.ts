import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../../model/clock.ts'
import type { ArchiveLevels } from '../../model/operations/archive-levels.ts'
import { EARLIEST, readPieces, type ReadPiece, type ReadTopicsOptions } from '../kafka/topics/read-topics.ts'
import type { LogLines } from '../log/contract.ts'
import type { RetentionPolicy } from '../log/retention.ts'
import { openArchiveFolder, type ArchiveFolder } from './folder.ts'
import { NextSegment } from './next-segment.ts'
import { topicsIn } from './segments.ts'
import { untilAborted } from './until-aborted.ts'

export interface ArchiverOptions {
  readonly dir: string
  readonly settings: ReadTopicsOptions['settings']
  /** The topics of accepted events now. */
  readonly topics: () => readonly string[]
  readonly retention: RetentionPolicy
  readonly clock: Clock
  readonly log: LogLines
  /** A segment ends when its first record was read so many milliseconds ago. Default five minutes. */
  readonly segmentAgeMs?: number
  /** Between two looks at Kafka. Default 5 s. */
  readonly pauseMs?: number
}

const SEGMENT_AGE_MS = 5 * 60_000
const PAUSE_MS = 5_000
/** Of a stop, for what came since the last look. */
const LAST_LOOK_MS = 2_000
/** Little at a time, because the server parses an answer of Kafka at once, and requests wait meanwhile. */
const FETCH_BYTES = 256 * 1024

/** Reads the topics of events back from Kafka and keeps them as compressed segments: see docs/decisions/archive.md. */
export class Archiver {
  readonly #options: ArchiverOptions
  readonly #stopping = new AbortController()
  readonly #running: Promise<void>
  #folder: ArchiveFolder | undefined
  /** What is read and in no segment yet. A crash costs nothing, because Kafka still has it. */
  #next: NextSegment | undefined
  #problem: string | undefined
  #behind = 0
  #lost = 0

  constructor(options: ArchiverOptions) {
    this.#options = options
    this.#running = this.#run()
  }

  problems(): string[] {
    return this.#problem === undefined ? [] : [this.#problem]
  }

  levels(): ArchiveLevels {
    const growing = this.#problem === undefined
    return { bytes: this.#folder?.bytes() ?? 0, behind: this.#behind, lost: this.#lost, growing }
  }

  /** Reads what Kafka has by now, for 2 s at most, and writes that as a last segment. Never rejects. */
  async close(): Promise<void> {
    this.#stopping.abort()
    await this.#running
    if (this.#problem === undefined) await this.#try(() => this.#look(AbortSignal.timeout(LAST_LOOK_MS)))
    if (this.#next !== undefined) await this.#try(() => this.#commit())
    await this.#folder?.close()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    const { pauseMs = PAUSE_MS } = this.#options
    while (!signal.aborted) {
      await this.#try(() => this.#look(signal))
      await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => undefined)
    }
  }

  async #try(work: () => Promise<void>): Promise<void> {
    const { dir, log } = this.#options
    try {
      await work()
      if (this.#problem !== undefined) log.info({ dir }, 'the archive grows again')
      this.#problem = undefined
    } catch (error) {
      const problem = `the archive ${dir} does not grow: ${(error as Error).message}`
      if (problem !== this.#problem) log.warn({ dir, err: error }, problem)
      this.#problem = problem
    }
  }

  /** Reads what Kafka has by now, or until the signal aborts. */
  async #look(signal: AbortSignal): Promise<void> {
    const { dir, settings, clock, log, segmentAgeMs = SEGMENT_AGE_MS } = this.#options
    this.#folder ??= await openArchiveFolder(dir)
    // What could not be written is tried first: as long as it is held, nothing more may be read.
    if (this.#next?.isClosed === true) await this.#commit()
    const starts = { ...this.#folder.positions, ...this.#next?.positions }
    const onLost = (partition: string, words: string, records = 0): void => {
      this.#lost += records
      log.warn({ dir, partition }, `the archive lacks records: ${words}`)
    }
    // Also those that were read before: a source may be gone whose last events are not read yet.
    const topics = [...new Set([...this.#options.topics(), ...topicsIn(starts)])]
    const pieces = readPieces({ settings, topics, since: EARLIEST, starts, maxBytes: FETCH_BYTES, onLost })
    for await (const piece of untilAborted(pieces, signal)) {
      await this.#take(piece)
      if (this.#next?.isFull === true) await this.#commit()
    }
    if (signal.aborted) return
    this.#behind = 0
    if (this.#next !== undefined && clock.monotonic() - this.#next.since >= segmentAgeMs) await this.#commit()
    await this.#expire()
  }

  async #take(piece: ReadPiece): Promise<void> {
    const { clock } = this.#options
    this.#behind = piece.left
    this.#next ??= new NextSegment(clock.monotonic())
    // A producer may give any time.
    await this.#orReadAgain(this.#next.add(piece, Math.min(piece.latest, clock.now())))
  }

  async #commit(): Promise<void> {
    const next = this.#next
    if (next === undefined || next.records === 0) return
    await this.#folder?.commit(await this.#orReadAgain(next.end()))
    this.#next = undefined
    await this.#expire()
  }

  /** If the compressor fails, the records of the next segment are read again. */
  async #orReadAgain<T>(compressing: Promise<T>): Promise<T> {
    return await compressing.catch((error: unknown) => {
      this.#next = undefined
      throw error
    })
  }

  async #expire(): Promise<void> {
    const { dir, retention, clock, log } = this.#options
    for (const { file, bytes } of (await this.#folder?.expire(retention, clock.now())) ?? []) {
      log.info({ dir, file, bytes }, 'deleted a segment that ARCHIVE_RETENTION no longer keeps')
    }
  }
}
