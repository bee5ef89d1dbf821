import type { BrokerAddress, ClusterClient } from '../connect/cluster-client.ts'
import type { KafkaSettings } from '../options.ts'
import { createMissing, lookUpTopics, settingsOf, type Finding } from './look-up.ts'

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
  /** The topics to which records can be written. */
  readonly usable = new Map<string, TopicInfo>()
  /** One line for each topic to which records cannot be written. */
  readonly troubles = new Map<string, string>()
  /** The addresses of the brokers, by node id. */
  brokers: ReadonlyMap<number, BrokerAddress> = new Map()
  readonly #settings: KafkaSettings
  #wanted = new Set<string>()
  /** performance.now() since when a topic is missing that existed before. */
  readonly #missingSince = new Map<string, number>()

  constructor(settings: KafkaSettings) {
    this.#settings = settings
  }

  /** Marks the topics as needed. Returns whether one of them is new. */
  want(names: readonly string[]): boolean {
    const before = this.#wanted.size
    for (const name of names) this.#wanted.add(name)
    return this.#wanted.size > before
  }

  /** As want(), and drops all other topics. They are looked up again when a record names them. */
  wantOnly(names: readonly string[]): boolean {
    const isNew = names.some(name => !this.#wanted.has(name))
    this.#wanted = new Set(names)
    for (const name of this.troubles.keys()) if (!this.#wanted.has(name)) this.troubles.delete(name)
    return isNew
  }

  /** The topic is no longer needed: drops its metadata. */
  forget(name: string): void {
    this.#wanted.delete(name)
    this.troubles.delete(name)
    this.usable.delete(name)
    this.#missingSince.delete(name)
  }

  /**
   * Looks up topics as check() does, without marking them as needed. Resolves with those that Kafka refuses as they are
   * configured, each with the reason in one line.
   */
  async probe(client: ClusterClient, names: readonly string[]): Promise<Map<string, string>> {
    const refused = new Map<string, string>()
    const unknown = names.filter(name => !this.usable.has(name))
    for (const [topic, finding] of await this.#lookUp(client, unknown)) {
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
  async check(client: ClusterClient, only: readonly string[] = [...this.#wanted]): Promise<void> {
    const found = new Map<string, readonly number[]>()
    for (const [topic, finding] of await this.#lookUp(client, only)) {
      if ('trouble' in finding) this.#fail(topic, finding.trouble)
      else found.set(topic, finding.leaders)
    }
    const settings = await settingsOf(client, [...found.keys()], ['max.message.bytes'])
    for (const [topic, leaders] of found) {
      const maxBytes = Number(settings.get(topic)?.get('max.message.bytes')) || DEFAULT_MAX_MESSAGE_BYTES
      this.usable.set(topic, { leaders, maxBytes })
      this.troubles.delete(topic)
      this.#missingSince.delete(topic)
    }
  }

  async #lookUp(client: ClusterClient, names: readonly string[]): Promise<Map<string, Finding>> {
    const { brokers, findings } = await lookUpTopics(client, names)
    this.brokers = brokers
    const found = new Map<string, Finding>()
    const missing: string[] = []
    for (const [topic, finding = this.#obstacle(topic)] of findings) {
      if (finding === undefined) missing.push(topic)
      else found.set(topic, finding)
    }
    if (missing.length === 0) return found
    return new Map([...found, ...(await createMissing(client, this.#settings, missing))])
  }

  #fail(topic: string, trouble: string): void {
    if (this.troubles.get(topic) !== trouble) this.#settings.log.error(trouble)
    this.troubles.set(topic, trouble)
    this.usable.delete(topic)
  }

  /** Why a missing topic must not be created now; undefined if it may be. */
  #obstacle(topic: string): Finding | undefined {
    const { topics, recreateAfterMs } = this.#settings
    if (!topics.create) {
      return { trouble: `topic ${topic}: it does not exist and KAFKA_CREATE_TOPICS is off: create it`, refused: true }
    }
    if (this.usable.has(topic) && !this.#missingSince.has(topic)) this.#missingSince.set(topic, performance.now())
    const since = this.#missingSince.get(topic)
    if (since === undefined || performance.now() - since >= recreateAfterMs) return undefined
    const again = `it is made again after ${recreateAfterMs / 1000} s (KAFKA_RECREATE_AFTER) unless somebody else does`
    return { trouble: `topic ${topic}: it was deleted; ${again}`, refused: false }
  }
}
