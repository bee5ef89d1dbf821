import type { BrokerAddress } from '../connect/cluster-client.ts'
import type { Session } from '../connect/session.ts'
import type { KafkaSettings } from '../options.ts'
import { lookAt, sizeLimits, withMissing, type Finding } from './look-up.ts'

export interface TopicInfo {
  /** Of each partition the broker that leads it; -1 where none does. */
  readonly leaders: readonly number[]
  /** The topic's max.message.bytes: what one batch for a partition, and so one record, may be. */
  readonly maxBytes: number
}

/** Kafka's own default of max.message.bytes, for users who may not read a topic's configuration. */
const DEFAULT_MAX_MESSAGE_BYTES = 1_048_588

/** What is known about the topics that records name. Outlives sessions. */
export class TopicBook {
  readonly #settings: KafkaSettings
  readonly #wanted = new Set<string>()
  readonly #usable = new Map<string, TopicInfo>()
  readonly #troubles = new Map<string, string>()
  /** performance.now() since when a topic is missing that was there before. */
  readonly #missingSince = new Map<string, number>()
  #brokers: ReadonlyMap<number, BrokerAddress> = new Map()

  constructor(settings: KafkaSettings) {
    this.#settings = settings
  }

  /** The topics that can be written to. */
  get usable(): ReadonlyMap<string, TopicInfo> {
    return this.#usable
  }

  /** One line for each topic that cannot. */
  get troubles(): ReadonlyMap<string, string> {
    return this.#troubles
  }

  /** Where the brokers listen, by number. */
  get brokers(): ReadonlyMap<number, BrokerAddress> {
    return this.#brokers
  }

  /** Notes the names as needed from now on. Returns whether any was new. */
  want(names: readonly string[]): boolean {
    const before = this.#wanted.size
    for (const name of names) this.#wanted.add(name)
    return this.#wanted.size > before
  }

  /** As want(), and forgets all others: they are looked up again when a record names them. */
  wantOnly(names: readonly string[]): boolean {
    const before = new Set(this.#wanted)
    this.#wanted.clear()
    for (const name of names) this.#wanted.add(name)
    for (const name of this.#troubles.keys()) if (!this.#wanted.has(name)) this.#troubles.delete(name)
    return names.some(name => !before.has(name))
  }

  /** The topic is not needed any more, and nothing is known of it. */
  forget(name: string): void {
    this.#wanted.delete(name)
    this.#troubles.delete(name)
    this.#usable.delete(name)
    this.#missingSince.delete(name)
  }

  /**
   * Looks the topics up as check() does, without noting them as needed. Resolves with those that Kafka refuses as they
   * are configured, each with the reason in one line.
   */
  async probe(session: Session, names: readonly string[]): Promise<Map<string, string>> {
    const refused = new Map<string, string>()
    const unknown = names.filter(name => !this.#usable.has(name))
    for (const [topic, finding] of await this.#lookUp(session, unknown)) {
      if ('trouble' in finding && finding.refused) refused.set(topic, finding.trouble)
    }
    return refused
  }

  /**
   * Looks every wanted topic up, creates what is missing, and learns leaders and size limits; `only` restricts it.
   * Rejects when the cluster does not answer; a topic that cannot be had is a trouble, not a rejection.
   */
  async check(session: Session, only: readonly string[] = [...this.#wanted]): Promise<void> {
    const found = new Map<string, readonly number[]>()
    for (const [topic, finding] of await this.#lookUp(session, only)) {
      if ('trouble' in finding) this.#fail(topic, finding.trouble)
      else found.set(topic, finding.leaders)
    }
    const limits = await sizeLimits(session, [...found.keys()])
    for (const [topic, leaders] of found) {
      this.#usable.set(topic, { leaders, maxBytes: limits.get(topic) ?? DEFAULT_MAX_MESSAGE_BYTES })
      this.#troubles.delete(topic)
      this.#missingSince.delete(topic)
    }
  }

  async #lookUp(session: Session, names: readonly string[]): Promise<Map<string, Finding>> {
    const seen = await lookAt(session, names)
    this.#brokers = seen.brokers
    const obstacle = (topic: string): string | undefined => this.#obstacle(topic)
    return await withMissing(seen.findings, { session, settings: this.#settings, obstacle })
  }

  #fail(topic: string, trouble: string): void {
    if (this.#troubles.get(topic) !== trouble) this.#settings.log.error(trouble)
    this.#troubles.set(topic, trouble)
    this.#usable.delete(topic)
  }

  /** Why a missing topic is not to be made now; undefined when it is. */
  #obstacle(topic: string): string | undefined {
    const { topics, recreateAfterMs } = this.#settings
    if (!topics.create) return `topic ${topic}: it does not exist and KAFKA_CREATE_TOPICS is off: create it`
    if (this.#usable.has(topic) && !this.#missingSince.has(topic)) this.#missingSince.set(topic, performance.now())
    const since = this.#missingSince.get(topic)
    if (since === undefined || performance.now() - since >= recreateAfterMs) return undefined
    const seconds = recreateAfterMs / 1000
    return `topic ${topic}: it was deleted; it is made again after ${seconds} s (KAFKA_RECREATE_AFTER) unless somebody else does`
  }
}
