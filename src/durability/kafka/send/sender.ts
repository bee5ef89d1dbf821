import type { Board } from '../../lanes/board.ts'
import type { Lane } from '../../lanes/lane.ts'
import type { Produce } from '../connect/cluster-client.ts'
import type { Session } from '../connect/session.ts'
import { REPLICATION_TIMEOUT_MS } from '../connect/session.ts'
import { createProduceEncoder, type ProduceBatch, type ProduceEncoder } from '../encode/produce-encoder.ts'
import type { KafkaSettings } from '../options.ts'
import type { TopicMetadata } from '../topics/topics.ts'
import { BatchSizer, type Portion, type Room } from './batch-sizer.ts'
import type { ProducedOffsets } from './produced-offsets.ts'
import type { Link } from './link.ts'
import { LinkTroubles } from './link-troubles.ts'
import { Links } from './links.ts'
import { Outcomes, type Outgoing, type StoreRefused } from './outcomes.ts'
import { Identities, type SendState } from './send-state.ts'
import type { Troubles } from './troubles.ts'

export interface SenderOptions {
  readonly settings: KafkaSettings
  readonly board: Board
  readonly metadata: TopicMetadata
  readonly offsets: ProducedOffsets
  readonly troubles: Troubles
  readonly storeRefused: StoreRefused
  /** Records have left their lanes. */
  readonly onSettled: () => void
  /** Topics whose records must not be sent now. */
  readonly held: ReadonlySet<string>
  /** Leaders, brokers or topics have changed. */
  readonly onMoved: () => void
  readonly onRelayed: (records: number) => void
}

/**
 * Records that arrive within this time share a request, which saves a sixth of the CPU time of an event at half load. A
 * record after a pause is sent at once. (Kafka's own producer waits 5 ms since 4.0: KIP-1030.)
 */
const REQUEST_GAP_MS = 1
/** A broker may answer for this many milliseconds for a partition that it does not lead any more. */
const MOVED_TIMEOUT_MS = 1_000

/** Sends the records of the lanes, to each broker one request at a time. */
export class Sender {
  readonly #options: SenderOptions
  readonly #links: Links
  readonly #outcomes: Outcomes
  readonly #troubles: LinkTroubles
  readonly #identities: Identities
  readonly #underway = new Map<Link, readonly Outgoing[]>()
  readonly #batchSizer: BatchSizer
  readonly #encode: ProduceEncoder
  #produce: Produce | undefined
  #isAwake = false
  #isStopped = false
  #timer: NodeJS.Timeout | undefined

  constructor(options: SenderOptions) {
    this.#options = options
    this.#batchSizer = new BatchSizer(options.settings.headers)
    this.#encode = createProduceEncoder(options.settings.compression)
    this.#troubles = new LinkTroubles(options.settings, options.troubles)
    this.#links = new Links({ ...options, troubles: this.#troubles })
    this.#identities = new Identities({ onRenewed: () => this.wake(), onFailed: options.onMoved })
    this.#outcomes = new Outcomes({
      ...options,
      troubles: this.#troubles,
      identities: this.#identities,
      onRefused: () => this.#settled()
    })
  }

  /** Milliseconds until no broker throttles this server any more. */
  throttledMs(): number {
    return Math.max(0, ...this.#links.all.map(({ throttledUntil }) => throttledUntil - performance.now()))
  }

  /** New producer ids come from this session from now on. */
  async use(session: Session): Promise<void> {
    this.#identities.use(session)
    this.#produce = await session.client.produceWith(this.#encode)
    this.topologyChanged()
  }

  /** Lanes were replaced: the new ones must not use sequence numbers that the old ones have used. */
  retireProducer(): void {
    this.#identities.retire()
  }

  /** Leaders or brokers have changed. */
  topologyChanged(): void {
    this.#links.refresh()
    for (const [link, batches] of this.#underway) {
      const isLong = performance.now() - (link.sentAt ?? Infinity) > MOVED_TIMEOUT_MS
      if (isLong && batches.some(({ sendState }) => sendState.leader >= 0 && sendState.leader !== link.node)) link.cut()
    }
    this.wake()
  }

  /** Sends after this turn of the event loop, so that all records of the turn share a request. */
  wake(): void {
    if (this.#isAwake || this.#isStopped) return
    this.#isAwake = true
    setImmediate(() => {
      this.#isAwake = false
      if (!this.#isStopped) this.#pump()
    })
  }

  #pump(): void {
    if (this.#produce === undefined) return
    const byNode = new Map<number, Lane[]>()
    for (const lane of this.#options.board.lanes) {
      // Most lanes of a large cluster are empty. A new lane whose records are on disk needs its leader to read them.
      if (lane.length === 0 && !lane.onDisk) continue
      const { leader } = this.#links.sendStateOf(lane)
      if (lane.length === 0 || lane.batch?.state === 'sent' || lane.batch?.state === 'refused') continue
      const lanes = byNode.get(leader)
      if (lanes === undefined) byNode.set(leader, [lane])
      else lanes.push(lane)
    }
    let wait = Infinity
    for (const [node, lanes] of byNode) {
      const link = this.#links.to(node)
      if (link !== undefined && link.sentAt === undefined) wait = Math.min(wait, this.#sendOn(link, lanes))
    }
    clearTimeout(this.#timer)
    if (wait < Infinity) this.#timer = setTimeout(() => this.wake(), Math.max(1, Math.ceil(wait)))
  }

  /** Returns the milliseconds after which to try again; Infinity: an answer or a new event will wake the sender. */
  #sendOn(link: Link, lanes: readonly Lane[]): number {
    const now = performance.now()
    const early = Math.max(link.notBefore, link.throttledUntil) - now
    if (early > 0) return early
    const batches: Outgoing[] = []
    let left = link.bound.bytes
    let wait = Infinity
    const first = link.turn++ % lanes.length
    let passedOver: number | undefined
    for (let at = 0; at < lanes.length; at++) {
      const lane = lanes[(first + at) % lanes.length] as Lane
      const sendState = this.#links.sendStateOf(lane)
      if (!lane.sendable) continue
      if (sendState.notBefore > now) wait = Math.min(wait, sendState.notBefore - now)
      const producer = sendState.notBefore > now ? undefined : this.#identities.of(lane, sendState)
      if (producer === undefined) continue
      // An equal part for each lane, because a call has records on many lanes and waits for the last of them.
      const share = left / (lanes.length - at)
      const { records, bytes } = this.#portion(lane, sendState, { left, share, isFirst: batches.length === 0 })
      if (records.length === 0) {
        passedOver ??= first + at
        continue
      }
      left -= bytes
      lane.take(now, records.length)
      const { topic, partition, sequence: firstSequence } = lane
      batches.push({ lane, sendState, topic, partition, records, firstSequence, ...producer })
    }
    // One place further each time, the last of hundreds of lanes would wait for as many requests.
    if (passedOver !== undefined) link.turn = passedOver
    if (batches.length === 0) return wait
    void this.#exchange(link, batches, link.bound.bytes - left)
    return Infinity
  }

  #portion(lane: Lane, { isTimeless }: SendState, room: Pick<Room, 'left' | 'share' | 'isFirst'>): Portion {
    const maxBytes = this.#options.metadata.usable.get(lane.topic)?.maxBytes ?? 0
    const portion = this.#batchSizer.portion(lane, { ...room, maxBytes, isTimeless })
    if (portion.tooLarge !== undefined) {
      lane.take(performance.now(), 1)
      const reason = `the record is ${portion.tooLarge} bytes, the topic takes ${maxBytes} (max.message.bytes)`
      this.#outcomes.refuse(lane, reason)
    }
    return portion
  }

  async #exchange(link: Link, batches: readonly Outgoing[], bytes: number): Promise<void> {
    const request = { acks: -1, timeoutMs: REPLICATION_TIMEOUT_MS, batches }
    const sentAt = performance.now()
    this.#underway.set(link, batches)
    try {
      const answer = await link.send(this.#produce as Produce, request, bytes)
      this.#underway.delete(link)
      const milliseconds = performance.now() - sentAt
      this.#troubles.answered(link, milliseconds, answer.throttleTimeMs)
      const stored = this.#outcomes.answered(link, batches, answer)
      this.#options.settings.onProduced({ ...totalsOf(stored), milliseconds })
    } catch (error) {
      this.#underway.delete(link)
      this.#lost(link, batches, error)
    }
    link.notBefore = Math.max(link.notBefore, sentAt + REQUEST_GAP_MS)
    this.#options.onSettled()
    // What waits is sent at once. After this turn of the event loop, the broker would have nothing to do for as long as a
    // busy server parses requests, and the next request to it would be the larger.
    if (!this.#isStopped) this.#pump()
  }

  #lost(link: Link, batches: readonly Outgoing[], error: unknown): void {
    const { board, onMoved } = this.#options
    for (const { lane } of batches) if (lane.batch !== undefined) lane.batch.state = 'again'
    onMoved()
    // A lost connection is opened again at once. It is a trouble only if that fails too.
    if (link.failures < 2 || this.#isStopped) return
    this.#troubles.lost(link, error)
    board.setLate(board.lanes.filter(lane => !lane.late && this.#links.sendStateOf(lane).leader === link.node))
  }

  #settled(): void {
    this.#options.onSettled()
    this.wake()
  }

  /** Some lanes are late: names the brokers that have not answered in time. */
  nameSlow(now: number): void {
    for (const link of this.#links.all) this.#troubles.look(link, now)
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
    this.#links.stop()
  }
}

/** `bytes` counts keys and values. */
function totalsOf(batches: readonly ProduceBatch[]): { readonly records: number; readonly bytes: number } {
  let [count, bytes] = [0, 0]
  for (const { records } of batches) {
    count += records.length
    for (const { valueBytes, record } of records) bytes += valueBytes + record.keyEnd - record.keyStart
  }
  return { records: count, bytes }
}
