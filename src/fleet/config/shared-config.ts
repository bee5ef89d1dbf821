import type { KeyedTributaryFile } from '../../model/tributary-file.ts'
import type { FleetTopics } from '../topics/topics.ts'
import type { ConfigTopic } from './config-topic.ts'
import { followConfigTopic } from './config-topic.ts'
import type { FleetKeyStore } from './key-store.ts'
import { createFleetKeyStore } from './key-store.ts'
import { writeSnapshot } from './snapshot.ts'
import type { Start, StartOptions } from './start.ts'
import { readDigested, seed, startConfig } from './start.ts'
import type { ConfigVersion } from './version.ts'
import { hashOfText } from './version.ts'

/** The part of a logger that is used here. pino implements it. */
export interface FleetLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

export interface SharedConfigOptions extends Omit<StartOptions, 'topic'> {
  readonly topics: FleetTopics
  /** The newest version that another member has in force. */
  readonly newestHeard: () => number
  /** Called when the version in force has changed, or cannot change. */
  readonly onChange: () => void
  readonly log: FleetLog
  /** Called with each edit that takes effect, the hash of its text, and the name of its author. */
  readonly onEdit: (edited: KeyedTributaryFile, hash: string, by: string) => void
}

/** Kafka's last answer may be this old. An empty fetch is answered after 0.5 s. */
const MAX_SILENCE_MS = 3_000
const MAX_PROBLEM_CHARS = 1_000
const NOTHING: KeyedTributaryFile = { file: { sources: [], destinations: [], topicPlaces: [] }, writeKeys: new Map() }

/** Opens and follows the fleet's configuration. Rejects with ConfigError if there is none and none can be created. */
export async function openSharedConfig(options: SharedConfigOptions): Promise<SharedConfig> {
  // The topic is read before the parts exist that could take a version from it.
  const opened: { config?: SharedConfig } = {}
  const topic = followConfigTopic({ topics: options.topics, onVersion: () => opened.config?.take() })
  const start = await startConfig({ ...options, topic })
  opened.config = new SharedConfig(options, topic, start)
  return opened.config
}

/** The state of the fleet's configuration on this server. */
export class SharedConfig {
  readonly keys: FleetKeyStore
  readonly topic: ConfigTopic
  /** See Start. */
  readonly firstKey: string | undefined
  readonly #options: SharedConfigOptions
  readonly #start: Start
  #isFollowed = false
  #problem: string | null = null
  /** Version 0: not from the topic. */
  #inForce: { readonly version: number; readonly hash: string }

  constructor(options: SharedConfigOptions, topic: ConfigTopic, start: Start) {
    const { parse, log } = options
    this.#options = options
    this.#start = start
    this.topic = topic
    this.firstKey = start.firstKey
    this.#inForce = { version: start.version?.version ?? 0, hash: start.version?.hash ?? hashOfText(start.text ?? '') }
    const text = start.version?.text ?? start.text
    this.keys = createFleetKeyStore({
      first: text === undefined ? NOTHING : parse(text, nameOf(this.#inForce.version)),
      configState: () => ({ hash: this.#inForce.hash, isLastUsed: this.#hasNewest() }),
      onCheck: () => void this.#compareFile(),
      onFollow: () => this.#follow(),
      close: () => topic.close()
    })
    if (start.version !== undefined) this.#save(start.version)
    const from = start.isOfTopic ? 'topic' : start.version ? 'snapshot' : 'file'
    log.info({ ...this.#inForce, from }, 'configuration of the fleet')
  }

  /** The version in force, and the reason if that is not the newest one. */
  inForce(): { readonly version: number; readonly hash: string; readonly problem: string | null } {
    return { ...this.#inForce, problem: this.#problem }
  }

  /** Whether a key that is unknown here may be known to the fleet. */
  isBehind(): boolean {
    const newest = Math.max(this.topic.log.current?.version ?? 0, this.#options.newestHeard())
    return !this.topic.isRead || this.topic.silentMs() > MAX_SILENCE_MS || this.#inForce.version < newest
  }

  /** Offers the topic's newest version to the server, if the server follows the topic already. */
  take(): void {
    const next = this.topic.log.current
    if (!this.#isFollowed || next === undefined || next.version === this.#inForce.version) return
    try {
      const parsed = this.#options.parse(next.text, nameOf(next.version))
      this.keys.offer(parsed, () => {
        this.#options.onEdit(parsed, next.hash, next.by)
        this.#onEffect(next)
      })
    } catch (error) {
      this.refused([(error as Error).message])
    }
  }

  /** Records why the last offered version cannot be used here. */
  refused(problems: readonly string[]): void {
    const { log, onChange } = this.#options
    const problem = problems.join('; ').slice(0, MAX_PROBLEM_CHARS)
    const version = this.topic.log.current?.version
    this.#problem = problem
    log.warn({ version, problem }, 'this version of the fleet cannot be used here; the older one stays')
    onChange()
  }

  #hasNewest(): boolean {
    return this.#problem === null && (this.topic.log.current?.version ?? 0) <= this.#inForce.version
  }

  #follow(): void {
    this.#isFollowed = true
    this.take()
    void this.#compareFile()
    if (!this.#start.isOfTopic) void this.#seedLater()
  }

  /** Kafka was away at the start. If the topic turns out to be empty, writes this server's configuration to it. */
  async #seedLater(): Promise<void> {
    await this.topic.read()
    if (this.topic.log.current === undefined) {
      await seed({ ...this.#options, topic: this.topic }, this.#start.version).catch((error: unknown) => {
        const problem = (error as Error).message
        this.#options.log.warn({ problem }, 'the configuration of the fleet could not be seeded')
      })
    }
    this.take()
  }

  #onEffect(next: ConfigVersion): void {
    const { log, onChange } = this.#options
    this.#inForce = { version: next.version, hash: next.hash }
    this.#problem = null
    this.#save(next)
    log.info({ version: next.version, by: next.by, why: next.why }, 'configuration of the fleet in force')
    onChange()
  }

  #save(version: ConfigVersion): void {
    const { dataDir, log } = this.#options
    writeSnapshot(dataDir, version).catch((error: unknown) => {
      log.warn({ problem: (error as Error).message }, 'the snapshot of the configuration could not be written')
    })
  }

  async #compareFile(): Promise<void> {
    const own = await readDigested(this.#options).catch(() => '')
    const { version, hash } = this.#inForce
    if (own === undefined || version === 0 || hashOfText(own) === hash) return
    this.#options.log.warn(
      { file: this.#options.configFile, version },
      'the config file differs from the version of the fleet, which counts: "tributary config diff" shows how'
    )
  }
}

const nameOf = (version: number): string => (version === 0 ? 'tributary.yml' : `fleet version ${version}`)
