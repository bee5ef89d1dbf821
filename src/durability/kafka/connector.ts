import { setTimeout as sleep } from 'node:timers/promises'
import { explainClosing } from './connect/closing.ts'
import { explain } from './connect/explain.ts'
import { withTimeout } from './connect/with-timeout.ts'
import { reachableFirst } from './connect/reachable.ts'
import { openSession, type Session } from './connect/session.ts'
import type { KafkaSettings } from './options.ts'
import type { TopicMetadata } from './topics/topics.ts'

const FIRST_BACKOFF_MS = 100
const MAX_BACKOFF_MS = 2_000
const OPEN_TIMEOUT_MS = 30_000

/** Opens sessions, one after the other, with backoff and jitter. Logs each change of the problem once. */
export class Connector {
  readonly #settings: KafkaSettings
  readonly #metadata: TopicMetadata
  readonly #onDisconnect: (session: Session) => void
  readonly #stopping = new AbortController()
  /** Aborts the session that is being opened; later that session itself. */
  #life = new AbortController()
  #problem: string
  #attempts = 0

  constructor(settings: KafkaSettings, to: { metadata: TopicMetadata; onDisconnect: (session: Session) => void }) {
    this.#settings = settings
    this.#metadata = to.metadata
    this.#onDisconnect = to.onDisconnect
    this.#problem = `Kafka (${settings.brokers.join(', ')}) is not connected yet`
  }

  /** Tries until a session is open and its topics were looked up. Resolves with undefined after stop(). */
  async connect(): Promise<Session | undefined> {
    const { brokers, log } = this.#settings
    while (!this.#stopping.signal.aborted) {
      if (this.#attempts > 0) await this.#pause()
      this.#attempts++
      try {
        const session = await this.#openInTime()
        this.#attempts = 1
        log.info(`Kafka (${brokers.join(', ')}) is ready`)
        return session
      } catch (error) {
        const named = await explainClosing(error, brokers)
        if (!this.#stopping.signal.aborted) this.#note(explain(named, brokers))
      }
    }
    return undefined
  }

  async #pause(): Promise<void> {
    const ceiling = Math.min(FIRST_BACKOFF_MS * 2 ** (this.#attempts - 1), MAX_BACKOFF_MS)
    const options = { signal: this.#stopping.signal, ref: false }
    await sleep(ceiling * (0.5 + Math.random() / 2), undefined, options).catch(() => {})
  }

  async #openInTime(): Promise<Session> {
    this.#life = new AbortController()
    try {
      return await withTimeout(this.#open(this.#life.signal), OPEN_TIMEOUT_MS)
    } catch (error) {
      this.#life.abort()
      throw error
    }
  }

  async #open(signal: AbortSignal): Promise<Session> {
    let session: Session | undefined = undefined
    // One turn later: until its handlers have run, the client still returns the connection that has just ended.
    const onDisconnect = (): void => void setImmediate(() => session && this.#onDisconnect(session))
    const brokers = await reachableFirst({ ...this.#settings, brokers: this.#knownBrokers() })
    session = await openSession({ ...this.#settings, brokers }, { signal, onDisconnect })
    try {
      await this.#metadata.check(session)
      return session
    } catch (error) {
      session.abandon()
      throw error
    }
  }

  /**
   * The configured brokers, followed by the brokers that the cluster named last. All configured brokers may have been
   * replaced since the start.
   */
  #knownBrokers(): readonly string[] {
    const named = [...this.#metadata.brokers.values()].map(({ host, port }) => {
      const name = host.includes(':') ? `[${host}]` : host
      return `${name}:${port}`
    })
    return [...new Set([...this.#settings.brokers, ...named])]
  }

  #note(problem: string): void {
    if (problem !== this.#problem) this.#settings.log.warn(problem)
    this.#problem = problem
  }

  /** Why there is no session, in one line. */
  problem(): string {
    return this.#problem
  }

  /** Stores and logs why the last session ended. */
  lost(problem: string): void {
    this.#problem = ''
    this.#note(problem)
  }

  /** Stops connecting, and ends the session. */
  stop(): void {
    this.#stopping.abort()
    this.#life.abort()
  }
}
