import './connect/client.ts'
import { setTimeout as sleep } from 'node:timers/promises'
import { explain } from './connect/explain.ts'
import { withTimeout } from './connect/with-timeout.ts'
import type { Session } from './connect/session.ts'
import { Connector } from './connector.ts'
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

/**
 * The session with a Kafka cluster, which is opened again whenever it ends, and the metadata of the cluster's topics.
 */
export class Cluster {
  readonly metadata: TopicMetadata
  readonly #options: ClusterOptions
  readonly #connector: Connector
  readonly #timer: NodeJS.Timeout
  #state: 'connecting' | 'ready' | 'down' | 'closed' = 'connecting'
  #session: Session | undefined
  #refreshing: Session | undefined
  #moved: NodeJS.Timeout | undefined
  #ticks = 0

  constructor(options: ClusterOptions) {
    const { settings } = options
    this.#options = options
    this.metadata = new TopicMetadata(settings)
    this.#connector = new Connector(settings, { metadata: this.metadata, onDisconnect: at => this.#refreshAt(at) })
    this.#timer = setInterval(() => this.#tick(), TICK_MS).unref()
  }

  /** Begins to connect. Call this when all handlers exist. */
  start(): void {
    void this.#connect()
  }

  get isConnected(): boolean {
    return this.#state === 'ready'
  }

  /** Why there is no session, in one line; undefined if there is one. */
  problem(): string | undefined {
    return this.isConnected ? undefined : this.#connector.problem()
  }

  async #connect(): Promise<void> {
    const session = await this.#connector.connect()
    if (session === undefined || this.#state === 'closed') return
    this.#session = session
    try {
      await this.#options.onSession(session)
      this.#state = 'ready'
      this.#options.onTopology()
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
    this.#connector.lost(explain(error, this.#options.settings.brokers))
    void this.#connect()
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
      await withTimeout(this.metadata.check(at, names), LOOK_UP_TIMEOUT_MS)
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
    return await this.metadata.probe(this.#session, names).catch(() => new Map<string, string>())
  }

  stop(): void {
    this.#state = 'closed'
    clearInterval(this.#timer)
    clearTimeout(this.#moved)
    this.#connector.stop()
  }
}
