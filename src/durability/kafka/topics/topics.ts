import type { BrokerAddress } from '../connect/cluster-client.ts'
import type { Session } from '../connect/session.ts'
import type { KafkaSettings } from '../options.ts'
import { lookUpTopics, sizeLimits, createMissing, type Finding } from './look-up.ts'

export interface TopicInfo {
  /** For each partition, the node id of its leader; -1 if there is none. */
  readonly leaders: readonly number[]
  /** The topic's max.message.bytes: the limit for one batch of a partition, and therefore for one record. */
  readonly maxBytes: number
}

/** Kafka's default of max.message.bytes, for users who may not read a topic's configuration. */
const DEFAULT_MAX_MESSAGE_BYTES = 1_048_588

/** The metadata of the topics that records name. It outlives sessions. */
export class TopicMetadata {
  readonly #settings: KafkaSettings
  readonly #wanted = new Set<string>()
  readonly #usable = new Map<string, TopicInfo>()
  readonly #troubles = new Map<string, string>()
  /** performance.now() since when a topic is missing that existed before. */
  readonly #missingSince = new Map<string, number>()
  #brokers: ReadonlyMap<number, BrokerAddress> = new Map()

  constructor(settings: KafkaSettings) {
    this.#settings = settings
  }

  /** The topics to which records can be written. */
  get usable(): ReadonlyMap<string, TopicInfo> {
    return this.#usable
  }

  /** One line for each topic to which records cannot be written. */
  get troubles(): ReadonlyMap<string, string> {
    return this.#troubles
  }

  /** The addresses of the brokers, by node id. */
  get brokers(): ReadonlyMap<number, BrokerAddress> {
    return this.#brokers
  }

  /** Marks the topics as needed. Returns whether one of them is new. */
  want(names: readonly string[]): boolean {
    const before = this.#wanted.size
    for (const name of names) this.#wanted.add(name)
    return this.#wanted.size > before
  }

  /** As want(), and drops all other topics. They are looked up again when a record names them. */
  wantOnly(names: readonly string[]): boolean {
    const before = new Set(this.#wanted)
    this.#wanted.clear()
    for (const name of names) this.#wanted.add(name)
    for (const name of this.#troubles.keys()) if (!this.#wanted.has(name)) this.#troubles.delete(name)
    return names.some(name => !before.has(name))
  }

  /** The topic is no longer needed: drops its metadata. */
  forget(name: string): void {
    this.#wanted.delete(name)
    this.#troubles.delete(name)
    this.#usable.delete(name)
    this.#missingSince.delete(name)
  }

  /**
   * Looks up topics as check() does, without marking them as needed. Resolves with those that Kafka refuses as they are
   * configured, each with the reason in one line.
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
   * Looks up every needed topic, creates missing ones, and stores leaders and size limits. Rejects if the cluster does
   * not answer. A topic that cannot be used is listed in `troubles`.
   *
   * @param only limits the look-up to these topics
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
    const view = await lookUpTopics(session, names)
    this.#brokers = view.brokers
    const obstacle = (topic: string): string | undefined => this.#obstacle(topic)
    return await createMissing(view.findings, { session, settings: this.#settings, obstacle })
  }

  #fail(topic: string, trouble: string): void {
    if (this.#troubles.get(topic) !== trouble) this.#settings.log.error(trouble)
    this.#troubles.set(topic, trouble)
    this.#usable.delete(topic)
  }

  /** Why a missing topic must not be created now; undefined if it may be. */
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
