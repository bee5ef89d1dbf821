import './connect/client.ts'
import { setTimeout as sleep } from 'node:timers/promises'
import type { OutgoingRecord } from '../../model/record.ts'
import { SinkUnavailable, type Receipt } from '../../model/sink.ts'
import { Board } from '../lanes/board.ts'
import { Call } from '../lanes/call.ts'
import { type Entry, type Place, UNKNOWN_PARTITION } from '../lanes/lane.ts'
import { repartition } from '../lanes/repartition.ts'
import { createConnector } from './connector.ts'
import { createDeadline } from './connect/deadline.ts'
import { explain } from './connect/explain.ts'
import { inTime } from './connect/in-time.ts'
import type { Landings } from './send/landings.ts'
import type { KafkaSettings } from './options.ts'
import { choosePartition } from './encode/partition.ts'
import { RefusedRecords } from './send/refused-records.ts'
import { Sender } from './send/sender.ts'
import type { Session } from './connect/session.ts'
import { createTopicBook } from './topics/topics.ts'
import { createTroubles } from './send/troubles.ts'
import { RetiredTopics } from './retired-topics.ts'

/** What stands behind the lanes: a log for what is late, or nothing. */
export interface Backing {
  readonly landings: Landings
  /** Where the log ends, and where its first line is that some lane has not confirmed. */
  readonly end: Place
  readonly floor: Place
  /** Lanes whose last batch took longer stay late. */
  readonly quickMs: number
  /** As the board's option. */
  store(entries: readonly Entry[]): void
  putAside(entry: Entry, refusal: { readonly topic: string; readonly reason: string }): Promise<void>
  /** Something has changed: lanes, leaders, what is confirmed. */
  onChange(): void
  onRelayed(records: number): void
}

export interface KafkaLanes {
  readonly board: Board
  /** Whether Kafka was reached and is, as far as is known. */
  readonly isConnected: boolean
  publish(records: readonly OutgoingRecord[]): Promise<Receipt>
  partitionOf(topic: string, record: OutgoingRecord): number
  /** How many partitions a topic has, where that is known. */
  readonly partitions: ReadonlyMap<string, number>
  /** Records of these topics turned up in the log. */
  wantTopics(names: readonly string[]): void
  ensureTopics(names: readonly string[]): void
  refusedTopics(names: readonly string[], timeoutMs: number): Promise<ReadonlyMap<string, string>>
  /** In words: what is wrong between here and Kafka. */
  problems(): string[]
  /** Why a record of this topic cannot be had in Kafka now. */
  problemOf(topic: string): string | undefined
  /** Whether any topic can be written to. */
  readonly hasTopics: boolean
  /** How many are late, what they may keep in memory, and for how long a broker throttles us. */
  levels(): { readonly late: number; readonly maxBytes: number; readonly throttledMs: number }
  /** There is something new to send. */
  wake(): void
  /** Calls that are not settled. */
  openCalls(): number
  stop(): void
}

/** Topics are looked up every 16 s, and every 2 s while something is wrong. */
const TICK_MS = 2_000
const REFRESH_TICKS = 8
/** A look-up that something calls for comes so soon, and no more often. */
const MOVED_MS = 100
const LOOK_UP_TIMEOUT_MS = 20_000
const SLOW_POLL_MS = 250
const READY_POLL_MS = 50
const MEMORY_BYTES = 32 * 1024 * 1024

/** Lanes to a Kafka cluster: connects in the background, recovers by itself. */
export function createLanes(settings: KafkaSettings, backing: Backing): KafkaLanes {
  return new Lanes(settings, backing)
}

class Lanes implements KafkaLanes {
  readonly board: Board
  readonly partitions = new Map<string, number>()
  readonly #settings: KafkaSettings
  readonly #backing: Backing
  readonly #book
  readonly #connector
  readonly #troubles
  readonly #sender: Sender
  readonly #retired: RetiredTopics
  readonly #deadline
  readonly #timers: NodeJS.Timeout[]
  /** Topics whose partitions changed while batches are on their way. */
  readonly #held = new Set<string>()
  #state: 'connecting' | 'ready' | 'down' | 'closed' = 'connecting'
  #session: Session | undefined
  #refreshing: Session | undefined
  #moved: NodeJS.Timeout | undefined
  #open = 0
  #ticks = 0

  constructor(settings: KafkaSettings, backing: Backing) {
    this.#settings = settings
    this.#backing = backing
    this.#book = createTopicBook(settings)
    this.#troubles = createTroubles(settings.log)
    this.#connector = createConnector(settings, { book: this.#book, onDisconnect: at => this.#refresh(at) })
    this.board = new Board({
      partitionOf: (topic, record) => this.partitionOf(topic, record),
      store: entries => backing.store(entries),
      timeoutMs: settings.publishTimeoutMs,
      quickMs: backing.quickMs,
      memoryBytes: MEMORY_BYTES,
      end: backing.end,
      floor: backing.floor
    })
    this.#sender = new Sender({
      settings,
      board: this.board,
      book: this.#book,
      landings: backing.landings,
      troubles: this.#troubles,
      held: this.#held,
      putAside: (entry, refusal) => backing.putAside(entry, refusal),
      onSettled: () => this.#onSettled(),
      onMoved: () => this.#onMoved(),
      onRelayed: records => backing.onRelayed(records)
    })
    this.#retired = new RetiredTopics({
      board: this.board,
      book: this.#book,
      troubles: this.#troubles,
      onEnded: topic => this.#onEnded(topic)
    })
    this.#deadline = createDeadline({
      limitMs: settings.publishTimeoutMs,
      oldest: () => {
        const at = this.board.nextLate()
        return at === undefined ? undefined : at - settings.publishTimeoutMs
      },
      onOverdue: () => this.#onOverdue()
    })
    this.#timers = [
      setInterval(() => this.#tick(), TICK_MS).unref(),
      setInterval(() => this.#sender.nameSlow(performance.now()), SLOW_POLL_MS).unref()
    ]
    void this.#connect()
  }

  get isConnected(): boolean {
    return this.#state === 'ready'
  }

  get hasTopics(): boolean {
    return this.#book.usable.size > 0 || this.#book.troubles.size === 0
  }

  partitionOf(topic: string, record: OutgoingRecord): number {
    const count = this.partitions.get(topic)
    return count === undefined ? UNKNOWN_PARTITION : choosePartition(record, count)
  }

  publish(records: readonly OutgoingRecord[]): Promise<Receipt> {
    const { promise, resolve, reject } = Promise.withResolvers<Receipt>()
    const call = new Call(records, {
      onSafe: call => {
        this.#open--
        if (call.refusals === undefined || this.#backing.quickMs < Infinity) {
          resolve(this.#backing.landings.receiptOf(call))
        } else reject(new RefusedRecords(call.refusals))
      },
      onFailed: (_, error) => {
        this.#open--
        reject(error)
      }
    })
    this.#open++
    if (records.length === 0) call.noteSafe()
    this.board.add(call, performance.now())
    let unknown: string[] | undefined
    for (const { topics } of records) {
      for (const topic of topics) if (!this.partitions.has(topic)) (unknown ??= []).push(topic)
    }
    if (unknown !== undefined) this.wantTopics(unknown)
    this.#sender.wake()
    this.#deadline.arm()
    return promise
  }

  wantTopics(names: readonly string[]): void {
    const missing = names.filter(name => !this.#book.usable.has(name))
    const troubled = missing.filter(name => this.#book.troubles.has(name))
    if (troubled.length > 0) this.board.setLate(troubled.flatMap(name => [...this.board.lanesOf(name)]))
    if (this.#book.want(missing)) void this.#look(missing)
  }

  async #look(names: readonly string[]): Promise<void> {
    const at = this.#session
    if (at === undefined || this.#state !== 'ready') return
    try {
      await inTime(this.#book.check(at, names), LOOK_UP_TIMEOUT_MS)
      this.#applyTopology()
    } catch (error) {
      this.#fail(at, error)
    }
  }

  async #connect(): Promise<void> {
    const session = await this.#connector.connect()
    if (session === undefined || this.#state === 'closed') return
    this.#session = session
    try {
      await this.#sender.use(session)
      this.#state = 'ready'
      this.#applyTopology()
    } catch (error) {
      this.#fail(session, error)
    }
  }

  #fail(lost: Session, error: unknown): void {
    if (this.#session !== lost) return
    this.#session = undefined
    lost.abandon()
    if (this.#state === 'closed') return
    this.#state = 'down'
    this.#connector.lost(explain(error, this.#settings.brokers))
    void this.#connect()
  }

  #refresh(at: Session | undefined): void {
    if (at === undefined || at !== this.#session || this.#refreshing === at || this.#state !== 'ready') return
    this.#refreshing = at
    inTime(this.#book.check(at), LOOK_UP_TIMEOUT_MS)
      .then(() => this.#applyTopology())
      .catch((error: unknown) => this.#fail(at, error))
      .finally(() => {
        if (this.#refreshing === at) this.#refreshing = undefined
      })
  }

  #onMoved(): void {
    this.#moved ??= setTimeout(() => {
      this.#moved = undefined
      this.#refresh(this.#session)
    }, MOVED_MS).unref()
  }

  #tick(): void {
    this.#retired.tend()
    const isWell = this.#book.troubles.size === 0 && this.board.lanes.every(({ sendable }) => sendable)
    if (!isWell || ++this.#ticks % REFRESH_TICKS === 0) this.#refresh(this.#session)
  }

  /** The book was looked up anew. */
  #applyTopology(): void {
    for (const [topic, { leaders }] of this.#book.usable) {
      const isNew = this.partitions.get(topic) !== leaders.length
      if (isNew || this.board.find(topic, UNKNOWN_PARTITION) !== undefined) this.#divide(topic, leaders.length)
    }
    for (const topic of this.#book.troubles.keys()) {
      this.board.setLate(this.board.lanesOf(topic).filter(({ late }) => !late))
    }
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

  /** A lane of the topic that comes later may not go on with its sequence numbers. */
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

  ensureTopics(names: readonly string[]): void {
    if (this.#retired.configure(names)) this.#refresh(this.#session)
  }

  async refusedTopics(names: readonly string[], timeoutMs: number): Promise<ReadonlyMap<string, string>> {
    const patience = performance.now() + timeoutMs
    while (this.#state === 'connecting' && performance.now() < patience) {
      await sleep(READY_POLL_MS, undefined, { ref: false })
    }
    if (this.#session === undefined || this.#state !== 'ready') return new Map()
    return await this.#book.probe(this.#session, names).catch(() => new Map<string, string>())
  }

  problems(): string[] {
    const problems = [...this.#book.troubles.values(), ...this.#troubles.list()]
    if (this.#state !== 'ready') problems.unshift(this.#connector.problem())
    return problems
  }

  problemOf(topic: string): string | undefined {
    if (this.#state !== 'ready') return this.#connector.problem()
    return this.#book.troubles.get(topic)
  }

  levels() {
    const late = this.board.lanes.filter(({ late }) => late).length
    return { late, maxBytes: MEMORY_BYTES, throttledMs: this.#sender.throttledMs() }
  }

  wake(): void {
    this.#sender.wake()
  }

  openCalls(): number {
    return this.#open
  }

  stop(): void {
    this.#state = 'closed'
    for (const timer of this.#timers) clearInterval(timer)
    clearTimeout(this.#moved)
    this.#deadline.stop()
    this.#troubles.stop()
    this.#sender.stop()
    this.#connector.stop()
  }
}

/** As SinkUnavailable says it: the words of the first trouble, or that Kafka takes too long. */
export function unavailable(lanes: KafkaLanes, entries: readonly Entry[], settings: KafkaSettings): SinkUnavailable {
  const topics = entries.flatMap(({ record }) => record.topics)
  const known = topics.map(topic => lanes.problemOf(topic)).find(problem => problem !== undefined)
  const late = `Kafka (${settings.brokers.join(', ')}) has not confirmed within ${settings.publishTimeoutMs} ms`
  return new SinkUnavailable(known ?? lanes.problems()[0] ?? late)
}
