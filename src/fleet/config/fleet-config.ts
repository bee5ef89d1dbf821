import type { KeyedTributaryFile } from '../../model/tributary-file.ts'
import type { FleetTopics } from '../topics/topics.ts'
import type { ConfigTopic } from './config-topic.ts'
import { followConfigTopic } from './config-topic.ts'
import type { FleetKeyStore } from './key-store.ts'
import { createFleetKeyStore } from './key-store.ts'
import { writeSnapshot } from './snapshot.ts'
import type { StartOptions } from './start.ts'
import { readDigested, seed, startConfig } from './start.ts'
import type { ConfigVersion } from './version.ts'
import { hashOfText } from './version.ts'

/** The part of a logger that is used here; pino has this form. */
export interface FleetLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

export interface FleetConfigOptions extends Omit<StartOptions, 'topic'> {
  readonly topics: FleetTopics
  /** The newest version that another member has in force. */
  readonly newestHeard: () => number
  /** What is in force has changed, or why it does not. */
  readonly onChange: () => void
  readonly log: FleetLog
}

/** What this server has in force of the fleet's configuration. */
export interface FleetConfig {
  readonly keys: FleetKeyStore
  readonly topic: ConfigTopic
  /** See Start. */
  readonly firstKey: string | undefined
  /** Version 0: not of the topic. */
  inForce(): { readonly version: number; readonly hash: string; readonly problem: string | null }
  /** Whether a key that is unknown here may be known to the fleet. */
  isBehind(): boolean
  /** The version that was offered last cannot be used here, and why. */
  refused(problems: readonly string[]): void
}

/** So old may the last word of Kafka be. An empty fetch is answered after 0.5 s. */
const HEARD_MS = 3_000
const NOTHING: KeyedTributaryFile = { file: { sources: [], destinations: [], topicPlaces: [] }, writeKeys: new Map() }

/** Follows the fleet's configuration. Rejects with ConfigError where there is none and none can be made. */
export async function openFleetConfig(options: FleetConfigOptions): Promise<FleetConfig> {
  const { topics, parse, log, onChange, newestHeard } = options
  let isFollowed = false
  let problem: string | null = null
  const topic = followConfigTopic({ topics, onVersion: () => take() })
  const start = await startConfig({ ...options, topic })
  let inForce = { version: start.version?.version ?? 0, hash: start.version?.hash ?? hashOfText(start.text ?? '') }
  const text = start.version?.text ?? start.text
  const first = text === undefined ? NOTHING : parse(text, nameOf(inForce.version))
  const keys = createFleetKeyStore({ first, onCheck: () => void compareFile(), onFollow, close: () => topic.close() })
  if (start.version !== undefined) save(start.version)
  log.info(
    { ...inForce, from: start.isOfTopic ? 'topic' : start.version ? 'snapshot' : 'file' },
    'configuration of the fleet'
  )

  function onFollow(): void {
    isFollowed = true
    take()
    void compareFile()
    if (!start.isOfTopic) void seedLater()
  }

  /** Kafka was away at the start: where the topic turns out to be empty, it gets what this server has. */
  async function seedLater(): Promise<void> {
    await topic.read()
    if (topic.log.current === undefined) {
      await seed({ ...options, topic }, start.version).catch((error: unknown) => {
        log.warn({ problem: (error as Error).message }, 'the configuration of the fleet could not be seeded')
      })
    }
    take()
  }

  function take(): void {
    const next = topic.log.current
    if (!isFollowed || next === undefined || next.version === inForce.version) return
    try {
      const parsed = parse(next.text, nameOf(next.version))
      keys.offer(parsed, () => onEffect(next))
    } catch (error) {
      refused([(error as Error).message], next)
    }
  }

  function onEffect(next: ConfigVersion): void {
    inForce = { version: next.version, hash: next.hash }
    problem = null
    save(next)
    log.info({ version: next.version, by: next.by, why: next.why }, 'configuration of the fleet in force')
    onChange()
  }

  function refused(problems: readonly string[], next = topic.log.current): void {
    problem = problems.join('; ').slice(0, 1_000)
    log.warn({ version: next?.version, problem }, 'this version of the fleet cannot be used here; the older one stays')
    onChange()
  }

  function save(version: ConfigVersion): void {
    writeSnapshot(options.dataDir, version).catch((error: unknown) => {
      log.warn({ problem: (error as Error).message }, 'the snapshot of the configuration could not be written')
    })
  }

  async function compareFile(): Promise<void> {
    const own = await readDigested(options).catch(() => '')
    if (own === undefined || inForce.version === 0 || hashOfText(own) === inForce.hash) return
    log.warn(
      { file: options.configFile, version: inForce.version },
      'the config file differs from the version of the fleet, which counts: "tributary config diff" shows how'
    )
  }

  return {
    keys,
    topic,
    firstKey: start.firstKey,
    inForce: () => ({ ...inForce, problem }),
    isBehind() {
      const newest = Math.max(topic.log.current?.version ?? 0, newestHeard())
      return !topic.isRead || topic.silentMs() > HEARD_MS || inForce.version < newest
    },
    refused
  }
}

const nameOf = (version: number): string => (version === 0 ? 'tributary.yml' : `fleet version ${version}`)
