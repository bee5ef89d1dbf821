import type { Board } from '../../lanes/board.ts'
import type { Entry, Lane } from '../../lanes/lane.ts'
import { verdictOf, type Verdict } from './answers.ts'
import type { Produce, ProduceAnswer } from '../connect/cluster-client.ts'
import { Filler, NOTHING, type Portion } from './filler.ts'
import type { Landings } from './landings.ts'
import { createLink, type Link } from './link.ts'
import { LinkTroubles } from './link-troubles.ts'
import type { KafkaRecord } from '../encode/message.ts'
import type { KafkaSettings } from '../options.ts'
import { createProduceEncoder } from '../encode/produce-encoder.ts'
import { createOutlet, Identities, type Outlet } from './outlet.ts'
import { REPLICATION_TIMEOUT_MS, type ProducerIdentity, type Session } from '../connect/session.ts'
import type { TopicBook } from '../topics/topics.ts'
import type { Troubles } from './troubles.ts'

export interface SenderOptions {
  readonly settings: KafkaSettings
  readonly board: Board
  readonly book: TopicBook
  readonly landings: Landings
  readonly troubles: Troubles
  /** Keeps a record that Kafka will never take. Rejects where that cannot be had now: it is tried again. */
  readonly putAside: (entry: Entry, refusal: { readonly topic: string; readonly reason: string }) => Promise<void>
  /** Records left their lanes. */
  readonly onSettled: () => void
  /** Topics of which nothing may be sent now. */
  readonly held: ReadonlySet<string>
  /** The cluster is not as it was known. */
  readonly onMoved: () => void
  readonly onRelayed: (records: number) => void
}

interface Outgoing {
  readonly lane: Lane
  readonly outlet: Outlet
  readonly producer: ProducerIdentity
  readonly entries: readonly Entry[]
}

/**
 * What comes within a millisecond goes as one request: a sixth of an event's price at half load. Whoever comes after a
 * pause waits for nothing. (Kafka's own producer waits 5 ms since 4.0: KIP-1030.)
 */
const REQUEST_GAP_MS = 1
const FIRST_PAUSE_MS = 50
const MAX_PAUSE_MS = 1_000
/** So long a broker that does not lead a partition any more may still answer for it. */
const MOVED_PATIENCE_MS = 1_000

/** Sends what the lanes have, to each broker one request at a time, and tells the board what came of it. */
export class Sender {
  readonly #options: SenderOptions
  readonly #links = new Map<number, Link>()
  readonly #outlets = new WeakMap<Lane, Outlet>()
  readonly #underway = new Map<Link, readonly Outgoing[]>()
  readonly #filler = new Filler()
  readonly #troubles: LinkTroubles
  readonly #encode = createProduceEncoder()
  readonly #identities: Identities
  #produce: Produce | undefined
  #isAwake = false
  #isStopped = false
  #timer: NodeJS.Timeout | undefined
  #turn = 0

  constructor(options: SenderOptions) {
    this.#options = options
    this.#troubles = new LinkTroubles(options.settings, options.troubles)
    this.#identities = new Identities({ onRenewed: () => this.wake(), onFailed: options.onMoved })
  }

  /** For so many milliseconds the broker that throttles us most still does. */
  throttledMs(): number {
    let most = 0
    for (const { throttledUntil } of this.#links.values()) most = Math.max(most, throttledUntil - performance.now())
    return most
  }

  /** From now on producer ids come from this session. */
  async use(session: Session): Promise<void> {
    this.#identities.use(session)
    this.#produce = await session.client.produceWith(this.#encode)
    this.topologyChanged()
  }

  /** Lanes were made anew: they may not go on with numbers that others have used. */
  retireProducer(): void {
    this.#identities.retire()
  }

  /** The book has new leaders or brokers. */
  topologyChanged(): void {
    const { board, book } = this.#options
    for (const [node, address] of book.brokers) {
      const link = this.#links.get(node)
      if (link?.isAt(address)) continue
      link?.cut()
      this.#links.set(node, createLink(node, address, this.#options.settings))
    }
    for (const lane of board.lanes) this.#aim(lane)
    this.#nameLeaderless()
    for (const [link, batches] of this.#underway) {
      const isLong = performance.now() - (link.sentAt ?? Infinity) > MOVED_PATIENCE_MS
      if (isLong && batches.some(({ outlet }) => outlet.leader >= 0 && outlet.leader !== link.node)) link.cut()
    }
    this.wake()
  }

  /** A lane was made, or its leader may have changed. */
  #aim(lane: Lane): Outlet {
    let outlet = this.#outlets.get(lane)
    if (outlet === undefined) {
      outlet = createOutlet()
      this.#outlets.set(lane, outlet)
    }
    const leader = this.#options.book.usable.get(lane.topic)?.leaders[lane.partition] ?? -1
    if (leader !== outlet.leader) Object.assign(outlet, { leader, notBefore: -Infinity, pauseMs: 0 })
    lane.sendable = this.#links.has(leader) && !this.#options.held.has(lane.topic)
    return outlet
  }

  #nameLeaderless(): void {
    const { book, board } = this.#options
    for (const [topic, info] of book.usable) {
      this.#troubles.leaderless(topic, info, leader => this.#links.has(leader))
    }
    board.setLate(board.lanes.filter(lane => !lane.sendable && !lane.late && lane.partition >= 0))
  }

  /** After this turn of the event loop, so that all it brings goes together. */
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
    const { board } = this.#options
    const byNode = new Map<number, Lane[]>()
    for (const lane of board.lanes) {
      const { leader } = this.#outlets.get(lane) ?? this.#aim(lane)
      if (lane.length === 0 || lane.batch?.state === 'sent' || lane.batch?.state === 'refused') continue
      const lanes = byNode.get(leader)
      if (lanes === undefined) byNode.set(leader, [lane])
      else lanes.push(lane)
    }
    let wait = Infinity
    for (const [node, lanes] of byNode) {
      const link = this.#links.get(node)
      if (link !== undefined && link.sentAt === undefined) wait = Math.min(wait, this.#sendOn(link, lanes))
    }
    clearTimeout(this.#timer)
    if (wait < Infinity) this.#timer = setTimeout(() => this.wake(), Math.max(1, Math.ceil(wait)))
  }

  /** Returns the milliseconds after which to try again; Infinity where an answer or an event does that. */
  #sendOn(link: Link, lanes: readonly Lane[]): number {
    const now = performance.now()
    const early = Math.max(link.notBefore, link.throttledUntil) - now
    if (early > 0) return early
    const { settings } = this.#options
    const batches: Outgoing[] = []
    let left = settings.maxRequestBytes
    let wait = Infinity
    const first = this.#turn++ % lanes.length
    for (let at = 0; at < lanes.length; at++) {
      const lane = lanes[(first + at) % lanes.length] as Lane
      const outlet = this.#outlets.get(lane) as Outlet
      if (!lane.sendable) continue
      if (outlet.notBefore > now) wait = Math.min(wait, outlet.notBefore - now)
      const producer = outlet.notBefore > now ? undefined : this.#identities.of(lane, outlet)
      const { count, bytes } =
        producer === undefined ? NOTHING : this.#portion(lane, outlet, { left, isFirst: batches.length === 0 })
      if (count === 0 || producer === undefined) continue
      left -= bytes
      batches.push({ lane, outlet, producer, entries: this.#options.board.take(lane, now, count) })
    }
    if (batches.length === 0) return wait
    void this.#exchange(link, batches, now)
    return Infinity
  }

  #portion(lane: Lane, { isTimeless }: Outlet, room: { readonly left: number; readonly isFirst: boolean }): Portion {
    const maxBytes = this.#options.book.usable.get(lane.topic)?.maxBytes ?? 0
    const portion = this.#filler.portion(lane, { ...room, maxBytes, isTimeless })
    if (portion.tooLarge !== undefined) {
      this.#options.board.take(lane, performance.now(), 1)
      this.#refuse(lane, `the record is ${portion.tooLarge} bytes, the topic takes ${maxBytes} (max.message.bytes)`)
    }
    return portion
  }

  async #exchange(link: Link, batches: readonly Outgoing[], now: number): Promise<void> {
    const request = {
      acks: -1,
      timeoutMs: REPLICATION_TIMEOUT_MS,
      batches: batches.map(({ lane, producer, entries }) => ({
        topic: lane.topic,
        partition: lane.partition,
        records: entries.map(({ value }) => value as KafkaRecord),
        firstSequence: lane.sequence,
        ...producer
      }))
    }
    this.#underway.set(link, batches)
    try {
      const answer = await link.send(this.#produce as Produce, request)
      this.#underway.delete(link)
      const isStored = this.#answered(link, batches, answer)
      const stored = request.batches.filter((_batch, index) => isStored[index]).flatMap(({ records }) => records)
      const bytes = stored.reduce(addSize, 0)
      this.#options.settings.onProduced({ bytes, records: stored.length, milliseconds: performance.now() - now })
    } catch (error) {
      this.#underway.delete(link)
      this.#lost(link, batches, error)
    }
    link.notBefore = Math.max(link.notBefore, now + REQUEST_GAP_MS)
    this.#options.onSettled()
    this.wake()
  }

  /** Returns for each batch whether Kafka has it now. */
  #answered(link: Link, batches: readonly Outgoing[], answer: ProduceAnswer): boolean[] {
    const now = performance.now()
    if (answer.throttleTimeMs > 0) link.throttledUntil = now + answer.throttleTimeMs
    this.#troubles.answered(link, now - (batches[0]?.lane.batch?.sentAt ?? now), answer.throttleTimeMs)
    const results = new Map<string, { errorCode: number; baseOffset: bigint }>()
    for (const { name, partitionResponses } of answer.responses) {
      for (const result of partitionResponses) results.set(`${name}/${result.index}`, result)
    }
    return batches.map(out => {
      const result = results.get(`${out.lane.topic}/${out.lane.partition}`)
      const verdict = result === undefined ? undefined : verdictOf(result.errorCode)
      const isStored = result !== undefined && verdict?.kind === 'stored'
      if (isStored) this.#stored(out, result.baseOffset, now)
      else this.#notStored(link, out, verdict)
      return isStored
    })
  }

  #stored({ lane, outlet }: Outgoing, baseOffset: bigint, now: number): void {
    const { board, landings } = this.#options
    let offset = baseOffset
    let relayed = 0
    board.confirm(lane, now, entry => {
      if (entry.stored === 'yes') relayed++
      if (entry.call !== undefined && !entry.call.settled) {
        landings.inKafka(entry.call, entry.index, {
          topic: lane.topic,
          partition: lane.partition,
          offset: baseOffset < 0n ? undefined : offset
        })
      }
      offset++
    })
    outlet.pauseMs = 0
    outlet.isTimeless = false
    this.#troubles.stored(lane)
    if (relayed > 0) this.#options.onRelayed(relayed)
  }

  #notStored(link: Link, { lane, outlet }: Outgoing, verdict: Verdict | undefined): void {
    const { batch } = lane
    if (batch === undefined) return
    batch.state = 'again'
    if (verdict?.kind === 'refused') {
      if (this.#options.board.halve(lane)) this.#refuse(lane, verdict.reason)
    } else if (verdict?.kind === 'renumber') this.#identities.renumber(lane, outlet)
    else if (verdict?.kind === 'time' && !outlet.isTimeless) {
      outlet.isTimeless = true
      this.#troubles.timeRefused(link)
    } else this.#pause(link, lane, outlet, verdict)
  }

  #pause(link: Link, lane: Lane, outlet: Outlet, verdict: Verdict | undefined): void {
    outlet.pauseMs = Math.min(MAX_PAUSE_MS, Math.max(FIRST_PAUSE_MS, outlet.pauseMs * 2))
    outlet.notBefore = performance.now() + outlet.pauseMs * (1 - Math.random() / 4)
    if (verdict?.kind !== 'no') return
    if (verdict.leader) this.#options.onMoved()
    // A leader that moves is news only when it takes longer than a moment.
    if (verdict.leader && outlet.pauseMs < MAX_PAUSE_MS) return
    this.#troubles.said(link, lane, verdict.words)
  }

  #lost(link: Link, batches: readonly Outgoing[], error: unknown): void {
    const { board } = this.#options
    for (const { lane } of batches) if (lane.batch !== undefined) lane.batch.state = 'again'
    this.#options.onMoved()
    // A connection that was cut is made anew at once; only where that fails too it is a trouble.
    if (link.failures < 2 || this.#isStopped) return
    this.#troubles.lost(link, error)
    board.setLate(board.lanes.filter(lane => !lane.late && this.#outlets.get(lane)?.leader === link.node))
  }

  #refuse(lane: Lane, reason: string): void {
    const { batch } = lane
    const entry = lane.at(0)
    if (batch === undefined || entry === undefined) return
    batch.state = 'refused'
    void this.#putAside(lane, entry, reason)
  }

  async #putAside(lane: Lane, entry: Entry, reason: string): Promise<void> {
    const { board, putAside, landings } = this.#options
    try {
      await putAside(entry, { topic: lane.topic, reason })
    } catch (error) {
      this.#troubles.refused(error as Error)
      setTimeout(() => this.#refuse(lane, reason), MAX_PAUSE_MS).unref()
      return
    }
    this.#troubles.refused(undefined)
    if (entry.call !== undefined && !entry.call.settled) {
      const refusal = { index: entry.index, topic: lane.topic, reason }
      entry.call.refusals = [...(entry.call.refusals ?? []), refusal]
      landings.inRefused(entry.call, entry.index)
    }
    board.refused(lane, performance.now())
    this.#options.onSettled()
    this.wake()
  }

  /** Some lanes are late: which brokers have not answered in time? */
  nameSlow(now: number): void {
    for (const link of this.#links.values()) this.#troubles.look(link, now)
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
    for (const link of this.#links.values()) link.cut()
  }
}

function addSize(sum: number, { valueBytes, record }: KafkaRecord): number {
  return sum + valueBytes + record.keyEnd - record.keyStart
}
