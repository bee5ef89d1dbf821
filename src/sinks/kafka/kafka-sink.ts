import './client.ts'
import type { OutgoingRecord } from '../../model/record.ts'
import { SinkUnavailable, type Sink } from '../../model/sink.ts'
import { setTimeout as sleep } from 'node:timers/promises'
import { createConnector } from './connector.ts'
import { createDeadline } from './deadline.ts'
import { explain } from './explain.ts'
import { withDefaults, type KafkaSinkOptions } from './options.ts'
import { createOutbox } from './outbox.ts'
import { createPace } from './pace.ts'
import { runPump } from './pump.ts'
import type { Session } from './session.ts'
import { createTopicBook } from './topics.ts'

export interface KafkaSink extends Sink {
  /** Topics to look up, and create where that is allowed, before a record names them. What fails is in health(). */
  ensureTopics(names: readonly string[]): void
  /**
   * Which of the topics Kafka refuses as they are configured, and why, each in one line; makes what is missing where
   * that is allowed. Empty where Kafka does not answer within `timeoutMs`, since then nothing is known.
   */
  refusedTopics(names: readonly string[], timeoutMs: number): Promise<ReadonlyMap<string, string>>
  /** Bytes that wait for Kafka or are on their way; bounded by maxQueueBytes. */
  queuedBytes(): number
}

/** `stalled`: a request is on its way, its publishers have been told no, and its fate is awaited. */
type State = 'connecting' | 'ready' | 'stalled' | 'down' | 'closed'

/** Topics are looked up every 16 s, and every 2 s while one cannot be had. */
const TICK_MS = 2_000
const REFRESH_TICKS = 8
/**
 * What comes within a millisecond goes as one request: a sixth of an event's price at half load. Whoever comes after a
 * pause waits for nothing. (Kafka's own producer waits 5 ms since 4.0: KIP-1030.)
 */
const REQUEST_GAP_MS = 1
const DRAIN_POLL_MS = 5
const READY_POLL_MS = 50

/**
 * Kafka as a sink: idempotent, acks=all, one request on its way at a time, and what comes meanwhile goes together as
 * the next one, at least a millisecond after it. Connects in the background and recovers by itself. See
 * docs/decisions/kafka-client.md for what happens after a timeout.
 *
 * publish() also rejects with RefusedRecords where Kafka will never take a record as it is.
 */
export function createKafkaSink(options: KafkaSinkOptions): KafkaSink {
  const settings = withDefaults(options)
  const { log, publishTimeoutMs } = settings
  const outbox = createOutbox(settings)
  const pace = createPace(REQUEST_GAP_MS)
  const book = createTopicBook(settings)
  const connector = createConnector(settings, { book, onDisconnect: at => refresh(at) })
  let state: State = 'connecting'
  let session: Session | undefined
  /** The session whose pump runs, or is about to. */
  let pumping: Session | undefined
  let refreshing: Session | undefined
  let giveUp: NodeJS.Timeout | undefined
  let closed: Promise<void> | undefined

  const connect = async (): Promise<void> => {
    session = await connector.connect()
    if (session === undefined || state === 'closed') return
    state = 'ready'
  }

  const fail = (lost: Session, error: unknown): void => {
    if (session !== lost) return
    clearTimeout(giveUp)
    session = undefined
    lost.abandon()
    const problem = explain(error, settings.brokers)
    outbox.rejectAll(new SinkUnavailable(problem, { cause: error }))
    if (state === 'closed') return
    state = 'down'
    connector.lost(problem)
    void connect()
  }

  const refresh = (at: Session | undefined): void => {
    if (at === undefined || at !== session || refreshing === at || state !== 'ready') return
    refreshing = at
    book
      .check(at)
      .catch((error: unknown) => {
        if (pumping !== at) fail(at, error)
      })
      .finally(() => {
        if (refreshing === at) refreshing = undefined
      })
  }

  /** After this turn of the event loop, so that all it brings goes together. */
  const schedule = (): void => {
    const at = session
    if (at === undefined || pumping === at || outbox.headTopics() === undefined) return
    pumping = at
    setImmediate(() => {
      runPump({ session: at, outbox, book, pace, settings, abandoned: () => at !== session || state !== 'ready' })
        .then(() => recover(at))
        .catch((error: unknown) => fail(at, error))
        .finally(() => {
          if (pumping !== at) return
          pumping = undefined
          schedule()
        })
    })
  }

  const recover = (at: Session): void => {
    if (at !== session || state !== 'stalled') return
    clearTimeout(giveUp)
    state = 'ready'
    log.info('Kafka confirms again')
  }

  const stall = (): void => {
    const problem = `Kafka (${settings.brokers.join(', ')}) has not confirmed within ${publishTimeoutMs} ms`
    outbox.rejectAll(new SinkUnavailable(problem))
    const at = session
    if (at === undefined || pumping !== at || state !== 'ready') return
    state = 'stalled'
    connector.lost(problem)
    giveUp = setTimeout(
      () => fail(at, new Error(`nothing confirmed in ${settings.giveUpMs} ms: timed out`)),
      settings.giveUpMs
    )
  }

  const refusal = (records: readonly OutgoingRecord[]): string | undefined => {
    if (closed !== undefined) return 'the Kafka sink is closing'
    if (state !== 'ready') return connector.problem()
    if (outbox.bytes() > settings.maxQueueBytes) return `${outbox.bytes()} bytes wait for Kafka already`
    if (book.troubles.size === 0) return undefined
    for (const { topics } of records) {
      for (const topic of topics) if (book.troubles.has(topic)) return book.troubles.get(topic)
    }
    return undefined
  }

  const close = async (): Promise<void> => {
    while (outbox.oldest() !== undefined) await sleep(DRAIN_POLL_MS)
    state = 'closed'
    clearInterval(refresher)
    deadline.stop()
    clearTimeout(giveUp)
    connector.stop()
  }

  const deadline = createDeadline({ limitMs: publishTimeoutMs, oldest: () => outbox.oldest(), onOverdue: stall })
  let ticks = 0
  const refresher = setInterval(() => {
    if (book.troubles.size > 0 || ++ticks % REFRESH_TICKS === 0) refresh(session)
  }, TICK_MS).unref()
  void connect()

  return {
    async publish(records) {
      const problem = refusal(records)
      if (problem !== undefined) throw new SinkUnavailable(problem)
      const receipt = outbox.add(records)
      schedule()
      deadline.arm()
      return receipt
    },
    health() {
      const problems = [...book.troubles.values()]
      if (closed !== undefined) problems.unshift('the Kafka sink is closing')
      else if (state !== 'ready') problems.unshift(connector.problem())
      return {
        ready: closed === undefined && state === 'ready' && (book.usable.size > 0 || book.troubles.size === 0),
        problems
      }
    },
    ensureTopics(names) {
      if (book.wantOnly(names)) refresh(session)
    },
    async refusedTopics(names, timeoutMs) {
      const patience = performance.now() + timeoutMs
      while (state === 'connecting' && performance.now() < patience)
        await sleep(READY_POLL_MS, undefined, { ref: false })
      if (session === undefined || state !== 'ready') return new Map()
      return book.probe(session, names).catch(() => new Map<string, string>())
    },
    queuedBytes: () => outbox.bytes(),
    close: () => (closed ??= close())
  }
}
