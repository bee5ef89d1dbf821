import type { OutgoingRecord } from '../../model/record.ts'
import type { Receipt } from '../../model/sink.ts'
import { Board } from '../lanes/board.ts'
import { Call } from '../lanes/call.ts'
import type { LaneEntry } from '../lanes/lane.ts'
import { type Place, UNKNOWN_PARTITION } from '../lanes/place.ts'
import { repartition } from '../lanes/repartition.ts'
import { Cluster } from './cluster.ts'
import { createDeadline, type Deadline } from './connect/deadline.ts'
import { choosePartition } from './encode/partition.ts'
import type { KafkaSettings } from './options.ts'
import type { ProducedOffsets } from './send/produced-offsets.ts'
import { RefusedRecords } from './send/refused-records.ts'
import { Sender, type SenderOptions } from './send/sender.ts'
import { Troubles } from './send/troubles.ts'
import { RetiredTopics } from './retired-topics.ts'

/** What is behind the lanes: the log that keeps late records. For Kafka alone, store() makes them fail instead. */
export interface BackingLog extends Pick<SenderOptions, 'storeRefused' | 'onRelayed'> {
  readonly offsets: ProducedOffsets
  /** Where the log ends, and where its first line is that some lane has not confirmed. */
  readonly end: Place
  readonly floor: Place
  /** Lanes whose last batch took longer stay late. */
  readonly quickMs: number
  /** See BoardOptions. */
  store(entries: readonly LaneEntry[]): void
  /** Called after a change of lanes, leaders, or confirmed records. */
  onChange(): void
}

const SLOW_POLL_MS = 250
const MEMORY_BYTES = 32 * 1024 * 1024

/** Lanes to a Kafka cluster. Connects in the background and recovers by itself. */
export class KafkaLanes {
  readonly board: Board
  readonly troubles: Troubles
  /** The number of partitions of each topic, if it is known. */
  readonly partitions = new Map<string, number>()
  readonly #backing: BackingLog
  readonly #cluster: Cluster
  readonly #sender: Sender
  readonly #retired: RetiredTopics
  readonly #deadline: Deadline
  readonly #timer: NodeJS.Timeout
  /** Topics whose partitions changed while batches are in flight. */
  readonly #held = new Set<string>()
  /** Topics of new records whose partitions are not known. */
  readonly #unknown = new Set<string>()
  #open = 0

  constructor(settings: KafkaSettings, backing: BackingLog) {
    this.#backing = backing
    this.troubles = new Troubles(settings.log)
    this.board = new Board({
      partitionOf: (topic, record) => this.partitionOf(topic, record),
      store: entries => backing.store(entries),
      timeoutMs: settings.publishTimeoutMs,
      quickMs: backing.quickMs,
      memoryBytes: MEMORY_BYTES,
      end: backing.end,
      floor: backing.floor
    })
    this.#cluster = new Cluster({
      settings,
      onSession: session => this.#sender.use(session),
      onTopology: () => this.#applyTopology(),
      onTick: () => this.#retired.check(),
      isHealthy: () => this.board.lanes.every(({ sendable }) => sendable)
    })
    this.#sender = new Sender({
      settings,
      board: this.board,
      metadata: this.#cluster.metadata,
      offsets: backing.offsets,
      troubles: this.troubles,
      held: this.#held,
      storeRefused: (entry, refusal) => backing.storeRefused(entry, refusal),
      onSettled: () => this.#onSettled(),
      onMoved: () => this.#cluster.moved(),
      onRelayed: records => backing.onRelayed(records)
    })
    this.#retired = new RetiredTopics({
      board: this.board,
      metadata: this.#cluster.metadata,
      troubles: this.troubles,
      onEnded: topic => this.#onEnded(topic)
    })
    this.#deadline = createDeadline({
      limitMs: settings.publishTimeoutMs,
      oldest: () => this.board.oldest(),
      onOverdue: () => this.#onOverdue()
    })
    this.#timer = setInterval(() => this.#sender.nameSlow(performance.now()), SLOW_POLL_MS).unref()
    this.#cluster.start()
  }

  /** Whether Kafka was reached, and is still reachable as far as is known. */
  get isConnected(): boolean {
    return this.#cluster.isConnected
  }

  /** Whether records can be written to any topic. */
  get hasTopics(): boolean {
    const { usable, troubles } = this.#cluster.metadata
    return usable.size > 0 || troubles.size === 0
  }

  /** UNKNOWN_PARTITION if the topic's partitions are not known: then the next wake() has them looked up. */
  partitionOf(topic: string, record: OutgoingRecord): number {
    const count = this.partitions.get(topic)
    if (count !== undefined) return choosePartition(record, count)
    this.#unknown.add(topic)
    return UNKNOWN_PARTITION
  }

  /**
   * Resolves when each record is confirmed on all its lanes or written to the log. Rejects with SinkUnavailable if
   * neither is possible now. Without a log, rejects with RefusedRecords for records that Kafka never accepts.
   */
  publish(records: readonly OutgoingRecord[]): Promise<Receipt> {
    const { promise, resolve, reject } = Promise.withResolvers<Receipt>()
    const call = new Call(records, {
      onSafe: call => {
        this.#open--
        if (call.refusals === undefined || this.#backing.quickMs < Infinity) {
          resolve(this.#backing.offsets.receiptOf(call))
        } else reject(new RefusedRecords(call.refusals))
      },
      onFailed: (_, error) => {
        this.#open--
        reject(error)
      }
    })
    this.#open++
    if (records.length === 0) call.noteSafe()
    this.board.publish(call, performance.now())
    this.wake()
    this.#deadline.arm()
    return promise
  }

  /** Call this when there is something new to send. */
  wake(): void {
    if (this.#unknown.size > 0) this.#wantUnknown()
    this.#sender.wake()
  }

  /** Has the topics looked up whose partitions are not known. */
  #wantUnknown(): void {
    const { usable, troubles } = this.#cluster.metadata
    const missing = [...this.#unknown].filter(name => !usable.has(name))
    this.#unknown.clear()
    const troubled = missing.filter(name => troubles.has(name))
    if (troubled.length > 0) this.board.setLate(troubled.flatMap(name => [...this.board.lanesOf(name)]))
    this.#cluster.want(missing)
  }

  /** Applies the result of a look-up. */
  #applyTopology(): void {
    const { usable, troubles } = this.#cluster.metadata
    for (const [topic, { leaders }] of usable) {
      const isNew = this.partitions.get(topic) !== leaders.length
      if (isNew || this.board.find(topic, UNKNOWN_PARTITION) !== undefined) this.#divide(topic, leaders.length)
    }
    for (const topic of troubles.keys()) this.board.setLate(this.board.lanesOf(topic).filter(({ late }) => !late))
    this.#sender.topologyChanged()
    this.#backing.onChange()
  }

  #divide(topic: string, count: number): void {
    const isDone = repartition(this.board, topic, count, record => choosePartition(record, count))
    if (!isDone) return void this.#held.add(topic)
    this.#held.delete(topic)
    const before = this.partitions.get(topic)
    this.partitions.set(topic, count)
    if (before !== undefined) this.#sender.retireProducer()
  }

  /** A later lane of the topic must not continue with the sequence numbers of the ended one. */
  #onEnded(topic: string): void {
    this.partitions.delete(topic)
    this.#held.delete(topic)
    this.#sender.retireProducer()
    this.#sender.topologyChanged()
  }

  #onSettled(): void {
    if (this.#held.size > 0) this.#applyTopology()
    this.#backing.onChange()
  }

  #onOverdue(): void {
    const now = performance.now()
    this.#sender.nameSlow(now)
    this.board.noteLate(now)
    this.#deadline.arm()
  }

  /** The topics that the configuration names from now on: they are looked up, and created if that is allowed. */
  ensureTopics(names: readonly string[]): void {
    if (this.#retired.configure(names)) this.#cluster.refresh()
  }

  /** The topics that Kafka refuses as they are configured, each with the reason in one line. */
  refusedTopics(names: readonly string[], timeoutMs: number): Promise<ReadonlyMap<string, string>> {
    return this.#cluster.refusedTopics(names, timeoutMs)
  }

  /** The problems between this server and Kafka, as text. */
  problems(): string[] {
    return [this.#cluster.problem() ?? [], ...this.#cluster.metadata.troubles.values(), this.troubles.list()].flat()
  }

  /** Why Kafka cannot take a record of this topic now. */
  problemOf(topic: string): string | undefined {
    return this.#cluster.problem() ?? this.#cluster.metadata.troubles.get(topic)
  }

  /**
   * Whether Kafka is reached and accepts records, how many lanes are late, how many bytes all lanes may keep in memory,
   * and for how many milliseconds a broker throttles this server.
   */
  levels() {
    const late = this.board.lanes.filter(lane => lane.late)
    // A lane without a leader is a problem of its topic, and not of the connection to Kafka. An empty lane shows how
    // slow its last batch was, as long as no event arrives; a balancer that checks for this sends none.
    const reached =
      this.isConnected && late.every(({ sendable, oldest, onDisk }) => !sendable || (oldest === undefined && !onDisk))
    return { reached, late: late.length, maxBytes: MEMORY_BYTES, throttledMs: this.#sender.throttledMs() }
  }

  /** Calls that have not settled. */
  openCalls(): number {
    return this.#open
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#deadline.stop()
    this.troubles.stop()
    this.#sender.stop()
    this.#cluster.stop()
  }
}
