import './connect/client.ts'
import { setTimeout as sleep } from 'node:timers/promises'
import { explainClosing } from './connect/closing.ts'
import { ClusterClient } from './connect/cluster-client.ts'
import { explain } from './connect/explain.ts'
import { formatBroker, reachableFirst } from './connect/reachable.ts'
import { clientOptions, type Session } from './connect/session.ts'
import { withTimeout } from './connect/with-timeout.ts'
import type { KafkaSettings } from './options.ts'
import { TopicMetadata } from './topics/topics.ts'

export interface ClusterOptions {
  readonly settings: KafkaSettings
  /** Called when a session is open and its topics were looked up. */
  readonly onSession: (session: Session) => Promise<void>
  /** Called when the topics were looked up again. */
  readonly onTopology: () => void
  /** Called at regular intervals. */
  readonly onTick: () => void
  /** Whether each lane has a leader. */
  readonly isHealthy: () => boolean
}

/** Topics are looked up every 16 s, and every 2 s while there is a problem. */
const TICK_MS = 2_000
const REFRESH_TICKS = 8
/** A look-up that is needed happens after this delay, so that several needs share one. */
const MOVED_MS = 100
const LOOK_UP_TIMEOUT_MS = 20_000
const READY_POLL_MS = 50
const OPEN_TIMEOUT_MS = 30_000
const FIRST_BACKOFF_MS = 100
const MAX_BACKOFF_MS = 2_000

/**
 * The session with a Kafka cluster, which is opened again whenever it ends, and the metadata of the cluster's topics.
 */
export class Cluster {
  readonly metadata: TopicMetadata
  readonly #options: ClusterOptions
  readonly #timer: NodeJS.Timeout
  #state: 'connecting' | 'ready' | 'down' | 'closed' = 'connecting'
  /** The client of the session, or of the session that is being opened. */
  #client: ClusterClient | undefined
  #session: Session | undefined
  #problem: string
  #refreshing: Session | undefined
  #moved: NodeJS.Timeout | undefined
  #ticks = 0

  constructor(options: ClusterOptions) {
    const { settings } = options
    this.#options = options
    this.metadata = new TopicMetadata(settings)
    this.#problem = `Kafka (${settings.brokers.join(', ')}) is not connected yet`
    this.#timer = setInterval(() => this.#tick(), TICK_MS).unref()
  }

  /** Begins to connect. Call this when all handlers exist. */
  start(): void {
    void this.#connect(0)
  }

  get isConnected(): boolean {
    return this.#state === 'ready'
  }

  /** Why there is no session, in one line; undefined if there is one. */
  problem(): string | undefined {
    return this.isConnected ? undefined : this.#problem
  }

  /** Tries until a session is open, with backoff and jitter. Logs each change of the problem once. */
  async #connect(failures: number): Promise<void> {
    const { settings, onSession, onTopology } = this.#options
    const { brokers, log } = settings
    for (let attempt = failures; this.#session === undefined; attempt++) {
      if (attempt > 0) await sleep(backoffMs(attempt), undefined, { ref: false })
      if (this.#isClosed()) return
      try {
        this.#session = await withTimeout(this.#open(), OPEN_TIMEOUT_MS)
        log.info(`Kafka (${brokers.join(', ')}) is ready`)
      } catch (error) {
        this.#client?.abandon()
        const problem = explain(await explainClosing(error, brokers), brokers)
        if (this.#isClosed()) return
        if (problem !== this.#problem) log.warn(problem)
        this.#problem = problem
      }
    }
    const session = this.#session
    try {
      await onSession(session)
      this.#state = 'ready'
      onTopology()
    } catch (error) {
      this.#fail(session, error)
    }
  }

  /** Connects, gets a producer id, and looks up the topics. */
  async #open(): Promise<Session> {
    const { settings } = this.#options
    const brokers = await reachableFirst({ ...settings, brokers: this.#knownBrokers() })
    const client = new ClusterClient(clientOptions({ ...settings, brokers }))
    this.#client = client
    if (this.#isClosed()) client.abandon()
    try {
      const session = { client, producer: await client.newProducer() }
      // One turn later: until its handlers have run, the client still returns the connection that has just ended.
      client.on('client:broker:disconnect', () => setImmediate(() => this.#refreshAt(session)))
      await this.metadata.check(client)
      return session
    } catch (error) {
      throw client.withAlert(error)
    }
  }

  /**
   * The configured brokers, followed by the brokers that the cluster named last. All configured brokers may have been
   * replaced since the start.
   */
  #knownBrokers(): readonly string[] {
    const named = [...this.metadata.brokers.values()].map(formatBroker)
    return [...new Set([...this.#options.settings.brokers, ...named])]
  }

  #fail(lost: Session, error: unknown): void {
    if (this.#session !== lost) return
    this.#session = undefined
    lost.client.abandon()
    if (this.#isClosed()) return
    this.#state = 'down'
    this.#problem = explain(error, this.#options.settings.brokers)
    this.#options.settings.log.warn(this.#problem)
    void this.#connect(1)
  }

  #isClosed(): boolean {
    return this.#state === 'closed'
  }

  /** Looks up all topics now. */
  refresh(): void {
    this.#refreshAt(this.#session)
  }

  #refreshAt(at: Session | undefined): void {
    if (at === undefined || at !== this.#session || this.#refreshing === at) return
    this.#refreshing = at
    void this.#check(at).finally(() => {
      if (this.#refreshing === at) this.#refreshing = undefined
    })
  }

  /** Marks the topics as needed, and looks up those that are not known. */
  want(names: readonly string[]): void {
    const at = this.#session
    if (this.metadata.want(names) && at !== undefined) void this.#check(at, names)
  }

  async #check(at: Session, names?: readonly string[]): Promise<void> {
    if (!this.isConnected) return
    try {
      await withTimeout(this.metadata.check(at.client, names), LOOK_UP_TIMEOUT_MS)
      this.#options.onTopology()
    } catch (error) {
      this.#fail(at, error)
    }
  }

  /** Leaders or brokers have changed: looks them up soon. */
  moved(): void {
    this.#moved ??= setTimeout(() => {
      this.#moved = undefined
      this.refresh()
    }, MOVED_MS).unref()
  }

  #tick(): void {
    this.#options.onTick()
    const isHealthy = this.metadata.troubles.size === 0 && this.#options.isHealthy()
    if (!isHealthy || ++this.#ticks % REFRESH_TICKS === 0) this.refresh()
  }

  /** As TopicMetadata.probe(). Empty if the cluster does not answer within `timeoutMs`. */
  async refusedTopics(names: readonly string[], timeoutMs: number): Promise<ReadonlyMap<string, string>> {
    const deadline = performance.now() + timeoutMs
    while (this.#state === 'connecting' && performance.now() < deadline) {
      await sleep(READY_POLL_MS, undefined, { ref: false })
    }
    if (this.#session === undefined || !this.isConnected) return new Map()
    return await this.metadata.probe(this.#session.client, names).catch(() => new Map<string, string>())
  }

  stop(): void {
    this.#state = 'closed'
    clearInterval(this.#timer)
    clearTimeout(this.#moved)
    this.#client?.abandon()
  }
}

function backoffMs(attempt: number): number {
  const ceiling = Math.min(FIRST_BACKOFF_MS * 2 ** (attempt - 1), MAX_BACKOFF_MS)
  return ceiling * (0.5 + Math.random() / 2)
}
