import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { OutgoingRecord } from '../../model/record.ts'
import { lineOf } from '../../model/record.ts'
import { REFUSED_FILE, SinkUnavailable, type Sink, type SinkHealth } from '../../model/sink.ts'
import type { SegmentLog } from '../log/contract.ts'
import { linesOf } from '../log/record-lines.ts'
import { segmentName, sequenceOf, timeOf } from '../log/segment/segment-name.ts'
import { ProducedOffsets } from '../kafka/send/produced-offsets.ts'
import { KafkaLanes, type BackingLog } from '../kafka/lanes.ts'
import type { KafkaSettings } from '../kafka/options.ts'
import { copyRecord } from '../lanes/copy.ts'
import { createPositionSaver, type PositionSaver } from './position-saver.ts'
import { LogReading } from './log-reading.ts'
import type { RefusedFile } from './refused-file.ts'
import { RestoreHistory, type Restore } from './restore-history.ts'
import type { SpoolLog } from './spool-log.ts'
import type { LaneEntry } from '../lanes/lane.ts'

export interface LaneSinkOptions {
  readonly settings: KafkaSettings
  readonly spool: SegmentLog
  /** SPOOL_MAX_BYTES. */
  readonly maxBytes: number
  readonly spoolLog: SpoolLog
  readonly refused: RefusedFile
  /** Returns the function that makes a record of a line, routed by the configuration in force now. */
  readonly restorer: () => Restore
  readonly onRelayed: (records: number) => void
  /** How long a stop waits for Kafka to confirm the records in the log, in milliseconds. */
  readonly drainMs: number
  /** How long a stop waits for Kafka to confirm the batches that it has been sent, in milliseconds. */
  readonly inFlightMs: number
  /** Monotonic milliseconds. */
  readonly monotonic: () => number
}

/** A start is not ready with the log alone for this many milliseconds, because Kafka may be starting too. */
const KAFKA_GRACE_MS = 10_000
/** The last tenth of SPOOL_MAX_BYTES is kept for topics that are within their share. */
const SHARED_PART = 0.9
const STOP_POLL_MS = 10

/** Kafka with a log behind its lanes: see docs/decisions/lanes.md. */
export class LaneSink implements Sink {
  readonly lanes: KafkaLanes
  readonly #options: LaneSinkOptions
  readonly #offsets: ProducedOffsets
  readonly #history: RestoreHistory
  readonly #positionSaver: PositionSaver
  readonly #reading: LogReading
  readonly #startedAt: number
  #wasReady = false
  #closing: Promise<void> | undefined

  constructor(options: LaneSinkOptions) {
    this.#options = options
    const { settings, spool, spoolLog, refused } = options
    const folder = basename(spool.dir)
    this.#offsets = new ProducedOffsets({
      segmentFile: (seconds, sequence) =>
        join(folder, segmentName({ now: seconds * 1000, sequence, after: undefined })),
      refusedFile: join(folder, REFUSED_FILE)
    })
    this.#startedAt = options.monotonic()
    const backing: BackingLog = {
      offsets: this.#offsets,
      end: spoolLog.end(),
      floor: spoolLog.start(),
      quickMs: settings.publishTimeoutMs / 2,
      store: entries => void this.#store(entries),
      storeRefused: ({ record }, { topic, reason }) => refused.keep([{ line: lineOf(record), topic, reason }]),
      onChange: () => this.#onChange(),
      onRelayed: options.onRelayed
    }
    this.lanes = new KafkaLanes(settings, backing)
    this.#history = new RestoreHistory(options.restorer(), spoolLog.end())
    this.#reading = new LogReading({ ...options, lanes: this.lanes, history: this.#history })
    this.#positionSaver = createPositionSaver({ ...options, lanes: this.lanes })
  }

  #onChange(): void {
    this.#history.forget(() => this.lanes.board.floor())
    this.#reading.wake()
    this.#positionSaver.onConfirmed()
  }

  async #store(entries: readonly LaneEntry[]): Promise<void> {
    const { board } = this.lanes
    const { spool, spoolLog } = this.#options
    const lines = linesOf(entries.map(({ record }) => record))
    const noteEnd = this.#history.beginWrite()
    try {
      const first = await spool.append(lines)
      const base = spoolLog.placeOf(first)
      const segment = { seconds: timeOf(first.file) / 1000, sequence: sequenceOf(first.file) ?? 0 }
      let offset = 0
      const places = entries.map((entry, index) => {
        if (entry.pending > 0) this.#offsets.inSegment(entry, segment, first.offset + offset)
        const place = base + offset
        offset += lines.lengths[index] as number
        return place
      })
      noteEnd(base + offset)
      board.stored(entries, places, base + offset)
      for (const entry of entries) {
        // A record that waits in memory is copied, so that its request's memory is freed. One in the log need not be.
        if (entry.queued === 0) continue
        entry.record = copyRecord(entry.record)
        if (entry.call?.settled === true) entry.call = undefined
      }
      this.#onChange()
    } catch (error) {
      board.notStored(entries, error as Error)
    }
  }

  async publish(records: readonly OutgoingRecord[]) {
    if (this.#closing !== undefined) throw new SinkUnavailable('the server is closing')
    const refusal = this.#overShare(records)
    if (refusal !== undefined) throw new SinkUnavailable(refusal, { retryAfterSeconds: 2 })
    return await this.lanes.publish(records)
  }

  /**
   * Why the log does not accept these records: it is nearly full, and their topic has used its share. Undefined: it
   * does.
   */
  #overShare(records: readonly OutgoingRecord[]): string | undefined {
    const { spool, maxBytes } = this.#options
    if (spool.bytes() < maxBytes * SHARED_PART) return undefined
    const logged = new Map<string, number>()
    for (const lane of this.lanes.board.lanes) {
      if (lane.logged > 0) logged.set(lane.topic, (logged.get(lane.topic) ?? 0) + lane.logged)
    }
    const share = (maxBytes * SHARED_PART) / Math.max(1, logged.size)
    for (const topic of new Set(records.flatMap(({ topics }) => topics))) {
      if ((logged.get(topic) ?? 0) >= share) {
        return `${spool.dir} is full (${spool.bytes()} of ${maxBytes} bytes), and topic ${topic} has its share of it`
      }
    }
    return undefined
  }

  health(): SinkHealth {
    const { spool, monotonic } = this.#options
    const toSpool = spool.health()
    const problems = [...this.lanes.problems(), ...toSpool.problems]
    const backlog = this.backlogBytes()
    if (backlog > 0) problems.push(`${backlog} bytes wait in ${spool.dir} until Kafka takes them`)
    const isDirect = this.lanes.isConnected && this.lanes.hasTopics && this.lanes.board.lanes.every(({ late }) => !late)
    this.#wasReady ||= this.lanes.isConnected || monotonic() - this.#startedAt >= KAFKA_GRACE_MS
    return { ready: this.#wasReady && this.#closing === undefined && (isDirect || toSpool.ready), problems }
  }

  /** Bytes in the log that are not confirmed on every lane. */
  backlogBytes(): number {
    const { board } = this.lanes
    return this.#options.spoolLog.backlogBytes(board.floor())
  }

  /** Creates topics that the configuration names now. */
  ensureTopics(names: readonly string[]): void {
    this.#history.add(this.#options.restorer())
    this.lanes.ensureTopics(names)
  }

  /** Bytes of the lines in memory. */
  queuedBytes(): number {
    return this.lanes.board.bytes()
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    const { drainMs, inFlightMs, monotonic, spoolLog, spool } = this.#options
    while (this.lanes.openCalls() > 0) await sleep(STOP_POLL_MS)
    const drainUntil = monotonic() + drainMs
    while (this.backlogBytes() > 0 && monotonic() < drainUntil) await sleep(STOP_POLL_MS)
    await this.#reading.stop()
    // Records in flight may still be confirmed; then the next start does not send them again.
    const deadline = monotonic() + inFlightMs
    const isUnderWay = (): boolean => this.lanes.board.lanes.some(({ batch }) => batch?.state === 'sent')
    while (isUnderWay() && monotonic() < deadline) await sleep(STOP_POLL_MS)
    this.lanes.stop()
    await this.#positionSaver.stop()
    await spoolLog.close()
    await spool.close()
  }
}
