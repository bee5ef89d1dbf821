import { messageIdOf } from '../../src/model/record.ts'
import { Board } from '../../src/durability/lanes/board.ts'
import { Call } from '../../src/durability/lanes/call.ts'
import type { LaneEntry, Lane } from '../../src/durability/lanes/lane.ts'
import { type Place, UNKNOWN_PARTITION } from '../../src/durability/lanes/place.ts'
import { load, nextPlace, type Piece } from '../../src/durability/lanes/reading.ts'
import { repartition } from '../../src/durability/lanes/repartition.ts'
import { testRecord, type TestRecord } from './records.ts'

const TIMEOUT_MS = 750
const KEYS = 4
const PIECE_LINES = 3
/** The topics of a record, by choice. */
const ROUTES: readonly (readonly string[])[] = [['a'], ['b'], ['a', 'b'], ['c'], ['a', 'c'], ['b', 'c']]

interface Write {
  readonly life: number
  readonly entries: readonly LaneEntry[]
}

/** A sent batch, as Kafka sees it. */
interface Sent {
  readonly life: number
  readonly lane: Lane
  readonly producer: number
  readonly sequence: number
  readonly ids: readonly string[]
  /** Whether Kafka has accepted it and its answer is in flight. */
  taken: boolean
}

/**
 * The client of one key. It sends the next event after the previous one was answered 200, and otherwise the same event
 * again.
 */
interface Client {
  sequence: number
  attempt: number
  isOpen: boolean
  topics: readonly string[]
}

/** The next sequence number that a partition expects from each producer. */
type Partition = Map<number, number>

/** A record that Kafka has accepted. */
interface Arrival {
  readonly topic: string
  readonly partition: number
  readonly id: string
}

/** A process with its lanes, beside a model of Kafka, of the disk and of the clients. Throws if a promise is broken. */
export class LaneWorld {
  readonly #poison = new Set<string>()
  readonly #partitions = new Map([
    ['a', 2],
    ['b', 1]
  ])
  readonly #kafka = new Map<string, Partition>()
  /** All records that Kafka has accepted, in order. */
  readonly #arrivals: Arrival[] = []
  readonly #log: TestRecord[] = []
  readonly #refused: string[] = []
  readonly #acked: { readonly id: string; readonly topics: readonly string[] }[] = []
  readonly #clients: Client[] = Array.from({ length: KEYS }, () => ({
    sequence: 0,
    attempt: 0,
    isOpen: false,
    topics: []
  }))
  #position: { floor: Place; starts: Map<string, Place>; partitions: Map<string, number> } = {
    floor: 0,
    starts: new Map(),
    partitions: new Map()
  }
  #writes: Write[] = []
  #sent: Sent[] = []
  #board: Board
  #piece: Piece | undefined
  #life = 0
  #now = 0
  #producers = new Map<Lane, number>()
  #lastProducer = 0
  /** `topic id` of the records that Kafka has confirmed to this process. */
  #confirmed = new Set<string>()
  readonly #repartitioned = new Set<string>()
  /** Records that no later process may send again, because they were confirmed when a position was saved. */
  readonly #settled = new Set<string>()

  constructor() {
    this.#board = this.#start()
  }

  #start(): Board {
    this.#confirmed = new Set()
    this.#writes = []
    this.#piece = undefined
    return new Board({
      partitionOf: (topic, record) => this.#partitionOf(topic, (record as TestRecord).key),
      store: entries => this.#writes.push({ life: this.#life, entries }),
      timeoutMs: TIMEOUT_MS,
      quickMs: TIMEOUT_MS / 2,
      memoryBytes: 300,
      minHeadBytes: 60,
      end: this.#log.length,
      floor: this.#position.floor
    })
  }

  #partitionOf(topic: string, key: string): number {
    const count = this.#partitions.get(topic)
    return count === undefined ? UNKNOWN_PARTITION : Number(key.slice(1)) % count
  }

  /** One step of the history: `choice` selects the event, `detail` its subject. */
  step(choice: number, detail: number): void {
    const steps: readonly ((detail: number) => void)[] = [
      this.#publish,
      this.#publish,
      this.#publish,
      this.#take,
      this.#take,
      this.#take,
      this.#deliver,
      this.#answer,
      this.#answer,
      this.#write,
      this.#write,
      this.#read,
      this.#read,
      this.#wait,
      this.#lose,
      this.#sayNo,
      this.#failWrites,
      this.#savePosition,
      this.#toggleLeader,
      this.#crash,
      this.#changePartitions
    ]
    steps[choice % steps.length]?.call(this, detail)
    this.#checkQueues()
  }

  /** No more faults from now on. Runs until no work is left, then checks every promise. */
  finish(): void {
    this.#partitions.set('c', this.#partitions.get('c') ?? 2)
    for (let round = 0; round < 400; round++) {
      for (const topic of this.#partitions.keys()) this.#repartition(topic)
      for (const lane of this.#board.lanes) this.#setSendable(lane, true)
      while (this.#writes.length > 0) this.#write()
      this.#now += 10
      this.#board.noteLate(this.#now)
      this.#read()
      for (let at = 0; at < this.#board.lanes.length; at++) this.#take(at)
      while (this.#sent.length > 0) this.#answer(0)
      this.#checkQueues()
    }
    const left = this.#board.lanes.filter(lane => lane.length > 0 || lane.onDisk)
    if (left.length > 0) throw new Error(`these lanes never become empty: ${left.map(nameOf).join()}`)
    if (this.#board.floor() !== this.#log.length)
      throw new Error(`the floor does not rise above ${this.#board.floor()}`)
    if (this.#board.bytes() !== 0) throw new Error(`empty lanes count ${this.#board.bytes()} bytes`)
    this.#checkKafka()
  }

  #publish(detail: number): void {
    const keys = [detail % KEYS, (detail >> 2) % KEYS].filter((key, at, all) => all.indexOf(key) === at)
    const records: TestRecord[] = []
    const open: Client[] = []
    for (const key of keys) {
      const client = this.#clients[key] as Client
      if (client.isOpen) continue
      if (client.attempt === 0) client.topics = ROUTES[(detail >> 4) % ROUTES.length] as readonly string[]
      client.isOpen = true
      client.attempt++
      open.push(client)
      const id = `k${key}-${client.sequence}`
      if (client.attempt === 1 && (detail >> 8) % 16 === 0) this.#poison.add(id)
      const line = Buffer.from(`{"id":"${id}"}\n`)
      records.push(testRecord({ line, messageId: `${id}#${client.attempt}`, key: `k${key}`, topics: client.topics }))
    }
    if (records.length === 0) return
    const life = this.#life
    const call = new Call(records, {
      onSafe: () => {
        if (life !== this.#life) return
        records.forEach(({ messageId, topics }) => this.#acked.push({ id: baseOf(messageId), topics }))
        for (const client of open) Object.assign(client, { isOpen: false, attempt: 0, sequence: client.sequence + 1 })
      },
      onFailed: () => {
        if (life === this.#life) for (const client of open) client.isOpen = false
      }
    })
    this.#board.publish(call, this.#now)
  }

  #take(detail: number): void {
    const ready = this.#board.lanes.filter(
      lane =>
        lane.sendable &&
        lane.partition >= 0 &&
        (lane.batch === undefined ? lane.length > 0 : lane.batch.state === 'again')
    )
    const lane = ready[detail % ready.length]
    if (lane === undefined) return
    lane.take(this.#now, 1 + ((detail >> 3) % Math.min(3, lane.length)))
    let producer = this.#producers.get(lane)
    if (producer === undefined) this.#producers.set(lane, (producer = ++this.#lastProducer))
    const ids = Array.from({ length: lane.batch?.count ?? 0 }, (_, at) =>
      messageIdOf((lane.at(at) as LaneEntry).record)
    )
    for (const id of ids) {
      const known = `${lane.topic} ${id}`
      const isKnown = this.#confirmed.has(known) || this.#settled.has(known)
      if (isKnown && !this.#repartitioned.has(lane.topic))
        throw new Error(`${id} was confirmed by ${lane.topic} and is sent again`)
    }
    this.#sent.push({ life: this.#life, lane, producer, sequence: lane.sequence, ids, taken: false })
  }

  #oneSent(detail: number): Sent | undefined {
    return this.#sent[detail % this.#sent.length]
  }

  /** Kafka accepts a batch, or knows it already. Returns false if it refuses a record in it. */
  #apply(sent: Sent): boolean {
    if (sent.taken) return true
    if (sent.ids.some(id => this.#poison.has(baseOf(id)))) return false
    sent.taken = true
    const { topic, partition } = sent.lane
    const expected = this.#partitionAt(sent.lane)
    const next = expected.get(sent.producer) ?? 0
    if (sent.sequence > next)
      throw new Error(`sequence ${sent.sequence} was sent after ${next} in ${nameOf(sent.lane)}`)
    if (sent.sequence < next) return true
    expected.set(sent.producer, next + sent.ids.length)
    for (const id of sent.ids) this.#arrivals.push({ topic, partition, id })
    return true
  }

  #partitionAt({ topic, partition }: Pick<Lane, 'topic' | 'partition'>): Partition {
    const name = `${topic}/${partition}`
    const found = this.#kafka.get(name) ?? new Map<number, number>()
    this.#kafka.set(name, found)
    return found
  }

  #deliver(detail: number): void {
    const sent = this.#oneSent(detail)
    if (sent !== undefined) this.#apply(sent)
  }

  #answer(detail: number): void {
    const sent = this.#oneSent(detail)
    if (sent === undefined) return
    const isTaken = this.#apply(sent)
    this.#sent = this.#sent.filter(other => other !== sent)
    if (sent.life !== this.#life) return
    if (isTaken) {
      this.#board.confirm(sent.lane, this.#now, () => undefined)
      for (const id of sent.ids) this.#confirmed.add(`${sent.lane.topic} ${id}`)
    } else if (sent.lane.halve()) {
      this.#refused.push(`${sent.lane.topic} ${baseOf(sent.ids[0] as string)}`)
      this.#board.refused(sent.lane, this.#now)
    }
  }

  /** The connection ends. What is in flight arrives or does not. */
  #lose(detail: number): void {
    const sent = this.#oneSent(detail)
    if (sent === undefined) return
    if (detail & 16) this.#apply(sent)
    this.#sent = this.#sent.filter(other => other !== sent)
    if (sent.life === this.#life && sent.lane.batch !== undefined) sent.lane.batch.state = 'again'
  }

  #sayNo(detail: number): void {
    const sent = this.#oneSent(detail)
    if (sent === undefined || sent.taken) return
    this.#sent = this.#sent.filter(other => other !== sent)
    if (sent.life === this.#life && sent.lane.batch !== undefined) sent.lane.batch.state = 'again'
  }

  #write(): void {
    const write = this.#writes.shift()
    if (write === undefined) return
    const places = write.entries.map(({ record }) => this.#log.push(record as TestRecord) - 1)
    this.#board.stored(write.entries, places, this.#log.length)
  }

  #failWrites(): void {
    const writes = this.#writes
    this.#writes = []
    for (const { entries } of writes) this.#board.notStored(entries, new Error('disk'))
  }

  /** Begins to read a piece, or loads the piece that is being read. */
  #read(): void {
    const piece = this.#piece
    this.#piece = undefined
    if (piece === undefined) {
      const start = nextPlace(this.#board, this.#now)
      if (start === undefined) return
      const next = Math.min(start + PIECE_LINES, this.#log.length)
      const lines = this.#log.slice(start, next).map((record, at) => ({ place: start + at, record }))
      this.#piece = { start, next, lines, readAt: this.#now }
      return
    }
    load(this.#board, piece, {
      partitionOf: (topic, record) => this.#partitionOf(topic, (record as TestRecord).key),
      isDone: ({ topic, partition, place }) => place < this.#startOf(topic, partition)
    })
    for (const topic of this.#partitions.keys()) this.#repartition(topic)
  }

  #startOf(topic: string, partition: number): Place {
    const { floor, starts, partitions } = this.#position
    if (partitions.get(topic) !== this.#partitions.get(topic)) return floor
    return Math.max(floor, starts.get(`${topic}/${partition}`) ?? 0)
  }

  #wait(detail: number): void {
    this.#now += 50 + (detail % 8) * 150
    this.#board.noteLate(this.#now)
  }

  #savePosition(detail: number): void {
    if (detail % 3 === 0) return // writing it failed
    const floor = this.#board.floor()
    const starts = new Map<string, Place>()
    for (const [name, place] of this.#position.starts) if (place > floor) starts.set(name, place)
    for (const lane of this.#board.lanes) {
      const known = this.#startOf(lane.topic, lane.partition)
      const place = Math.min(this.#log.length, Math.max(lane.position(), known))
      starts.set(`${lane.topic}/${lane.partition}`, place)
    }
    const changed = [...this.#partitions].filter(([topic, count]) => this.#position.partitions.get(topic) !== count)
    for (const [topic] of changed) {
      for (const name of starts.keys()) {
        const [ofTopic, partition] = name.split('/')
        if (ofTopic === topic && this.#board.find(topic, Number(partition)) === undefined) starts.delete(name)
      }
    }
    this.#position = { floor, starts, partitions: new Map(this.#partitions) }
    for (const { messageId, topics } of this.#log) {
      for (const known of topics.map(topic => `${topic} ${messageId}`)) {
        if (this.#confirmed.has(known)) this.#settled.add(known)
      }
    }
  }

  #setSendable(lane: Lane, sendable: boolean): void {
    lane.sendable = sendable && lane.partition >= 0
  }

  #toggleLeader(detail: number): void {
    const lane = this.#board.lanes[(detail >> 1) % this.#board.lanes.length]
    if (lane !== undefined) this.#setSendable(lane, detail % 2 === 0)
  }

  #changePartitions(detail: number): void {
    const topic = detail % 2 === 0 ? 'c' : 'b'
    const count = this.#partitions.get(topic) ?? 0
    if (count >= 3) return
    const isIdle = this.#board.lanesOf(topic).every(({ batch }) => batch === undefined)
    if (!isIdle) return
    this.#partitions.set(topic, count + 1)
    if (count > 0) this.#repartitioned.add(topic)
    const isDone = repartition(this.#board, topic, count + 1, record =>
      this.#partitionOf(topic, (record as TestRecord).key)
    )
    if (!isDone) throw new Error('an idle topic cannot get a new number of partitions')
  }

  /** A lane of an unknown topic is found while the log is read. */
  #repartition(topic: string): void {
    const unknown = this.#board.find(topic, UNKNOWN_PARTITION)
    if (unknown === undefined) return
    const count = this.#partitions.get(topic) as number
    repartition(this.#board, topic, count, record => this.#partitionOf(topic, (record as TestRecord).key))
  }

  /**
   * The process crashes: part of the data that was being written is stored, and data in flight arrives later or not at
   * all.
   */
  #crash(detail: number): void {
    const writing = this.#writes.flatMap(({ entries }) => entries)
    for (const { record } of writing.slice(0, detail % (writing.length + 1))) this.#log.push(record as TestRecord)
    this.#sent = this.#sent.filter((_, at) => ((detail >> 4) + at) % 2 === 0)
    this.#life++
    for (const client of this.#clients) client.isOpen = false
    this.#board = this.#start()
  }

  #checkQueues(): void {
    for (const lane of this.#board.lanes) {
      let rank = 0
      let place = -1
      for (let at = 0; at < lane.length; at++) {
        const entry = lane.at(at) as LaneEntry
        const own = { yes: 0, writing: 1, no: 2 }[entry.stored]
        if (own < rank) throw new Error(`${nameOf(lane)}: ${entry.stored} comes after a later state`)
        rank = own
        if (own > 0) continue
        if (entry.place <= place) throw new Error(`${nameOf(lane)}: the log has a different order`)
        place = entry.place
      }
    }
  }

  #checkKafka(): void {
    const taken = this.#checkOrder()
    const refused = new Set(this.#refused)
    for (const { id, topics } of this.#acked) {
      for (const topic of topics) {
        const known = `${topic} ${id}`
        if (!taken.has(known) && !refused.has(known)) throw new Error(`${id} is missing in ${topic}`)
      }
    }
  }

  /**
   * Each key is in order in each partition, except copies. A copy after a crash goes to the partition that its key has
   * by then: it is a copy although the record itself is in another partition.
   *
   * @returns `topic id` of all records that Kafka has accepted
   */
  #checkOrder(): Set<string> {
    const taken = new Set<string>()
    const last = new Map<string, number>()
    for (const { topic, partition, id } of this.#arrivals) {
      const base = baseOf(id)
      const known = `${topic} ${base}`
      if (taken.has(known)) continue
      taken.add(known)
      const [key = '', sequence] = base.split('-')
      const line = `${topic}/${partition} ${key}`
      if (Number(sequence) < (last.get(line) ?? -1)) throw new Error(`${base} is out of order in ${topic}/${partition}`)
      last.set(line, Number(sequence))
    }
    return taken
  }
}

function baseOf(id: string): string {
  return id.split('#')[0] as string
}

function nameOf({ topic, partition }: Lane): string {
  return `${topic}/${partition}`
}
