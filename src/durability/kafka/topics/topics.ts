import { ConfigResourceTypes, type Admin } from '@platformatic/kafka'
import { setTimeout as sleep } from 'node:timers/promises'
import type { BrokerAddress, ClusterAnswer } from '../connect/cluster-client.ts'
import { isUnsupported, refusedCreations } from '../connect/errors.ts'
import { explainTopic, isAlreadyThere, isRefusedTopic, isTopicTrouble } from '../connect/explain.ts'
import type { KafkaSettings } from '../options.ts'
import type { Session } from '../connect/session.ts'

export interface TopicInfo {
  /** Of each partition the broker that leads it; -1 where none does. */
  readonly leaders: readonly number[]
  /** The topic's max.message.bytes: what one batch for a partition, and so one record, may be. */
  readonly maxBytes: number
}

export interface TopicBook {
  /** The topics that can be written to. */
  readonly usable: ReadonlyMap<string, TopicInfo>
  /** Where the brokers listen, by number. */
  readonly brokers: ReadonlyMap<number, BrokerAddress>
  /** One line for each topic that cannot. */
  readonly troubles: ReadonlyMap<string, string>
  /** Notes the names as needed from now on. Returns whether any was new. */
  want(names: readonly string[]): boolean
  /** As want(), and forgets all others: they are looked up again when a record names them. */
  wantOnly(names: readonly string[]): boolean
  /** The topic is not needed any more, and nothing is known of it. */
  forget(name: string): void
  /**
   * Looks the topics up as check() does, without noting them as needed. Resolves with those that Kafka refuses as they
   * are configured, each with the reason in one line.
   */
  probe(session: Session, names: readonly string[]): Promise<Map<string, string>>
  /**
   * Looks every wanted topic up, creates what is missing, and learns leaders and size limits; `only` restricts it.
   * Rejects when the cluster does not answer; a topic that cannot be had is a trouble, not a rejection.
   */
  check(session: Session, only?: readonly string[]): Promise<void>
}

/** Kafka's own default of max.message.bytes, for users who may not read a topic's configuration. */
const DEFAULT_MAX_MESSAGE_BYTES = 1_048_588
const LEADER_PATIENCE_MS = 3_000
const POLL_MS = 20
/** Brokers that are asked before a look-up counts as failed. */
const LOOK_UP_TRIES = 3
const UNKNOWN_TOPIC = 3

/** What is known about the topics that records name. Outlives sessions. */
export function createTopicBook(settings: KafkaSettings): TopicBook {
  const wanted = new Set<string>()
  const usable = new Map<string, TopicInfo>()
  const troubles = new Map<string, string>()
  let brokers: ReadonlyMap<number, BrokerAddress> = new Map()
  /** performance.now() since when a topic is missing that was there before. */
  const missingSince = new Map<string, number>()

  const fail = (topic: string, trouble: string): void => {
    if (troubles.get(topic) !== trouble) settings.log.error(trouble)
    troubles.set(topic, trouble)
    usable.delete(topic)
  }

  /** Why a missing topic is not to be made now; undefined when it is. */
  const obstacle = (topic: string): string | undefined => {
    if (!settings.topics.create) return `topic ${topic}: it does not exist and KAFKA_CREATE_TOPICS is off: create it`
    if (usable.has(topic) && !missingSince.has(topic)) missingSince.set(topic, performance.now())
    const since = missingSince.get(topic)
    if (since === undefined || performance.now() - since >= settings.recreateAfterMs) return undefined
    const seconds = settings.recreateAfterMs / 1000
    return `topic ${topic}: it was deleted; it is made again after ${seconds} s (KAFKA_RECREATE_AFTER) unless somebody else does`
  }

  const lookUp = async (session: Session, names: readonly string[]): Promise<Map<string, Finding>> => {
    const seen = await lookAt(session, names)
    brokers = seen.brokers
    return await withMissing(seen.findings, { session, settings, obstacle })
  }

  return {
    usable,
    troubles,
    get brokers() {
      return brokers
    },
    want(names) {
      const before = wanted.size
      for (const name of names) wanted.add(name)
      return wanted.size > before
    },
    wantOnly(names) {
      const before = new Set(wanted)
      wanted.clear()
      for (const name of names) wanted.add(name)
      for (const name of troubles.keys()) if (!wanted.has(name)) troubles.delete(name)
      return names.some(name => !before.has(name))
    },
    forget(name) {
      wanted.delete(name)
      troubles.delete(name)
      usable.delete(name)
      missingSince.delete(name)
    },
    async probe(session, names) {
      const refused = new Map<string, string>()
      const unknown = names.filter(name => !usable.has(name))
      for (const [topic, finding] of await lookUp(session, unknown)) {
        if ('trouble' in finding && finding.refused) refused.set(topic, finding.trouble)
      }
      return refused
    },
    async check(session, only = [...wanted]) {
      const found = new Map<string, readonly number[]>()
      for (const [topic, finding] of await lookUp(session, only)) {
        if ('trouble' in finding) fail(topic, finding.trouble)
        else found.set(topic, finding.leaders)
      }
      const limits = await sizeLimits(session, [...found.keys()])
      for (const [topic, leaders] of found) {
        usable.set(topic, { leaders, maxBytes: limits.get(topic) ?? DEFAULT_MAX_MESSAGE_BYTES })
        troubles.delete(topic)
        missingSince.delete(topic)
      }
    }
  }
}

type Finding = { readonly leaders: readonly number[] } | { readonly trouble: string; readonly refused: boolean }

interface Seen {
  readonly brokers: ReadonlyMap<number, BrokerAddress>
  /** Undefined: the topic is missing. */
  readonly findings: ReadonlyMap<string, Finding | undefined>
}

/** Asks one broker after the other. Rejects where none of them answers. */
async function lookAt(session: Session, topics: readonly string[]): Promise<Seen> {
  for (let attempt = 0; ; attempt++) {
    try {
      const answer = await session.client.lookUp(topics, attempt)
      const brokers = new Map(answer.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }] as const))
      return { brokers, findings: new Map(answer.topics.map(topic => [topic.name, findingOf(topic)])) }
    } catch (error) {
      if (attempt + 1 >= LOOK_UP_TRIES) throw error
    }
  }
}

function findingOf({ name, errorCode, error, partitions }: ClusterAnswer['topics'][number]): Finding | undefined {
  if (errorCode === UNKNOWN_TOPIC) return undefined
  if (errorCode !== 0) return troubleOf(name, error)
  const leaders: number[] = []
  for (const { partitionIndex, leaderId } of partitions) leaders[partitionIndex] = leaderId
  return { leaders }
}

/** The same, and what was missing is made where that is allowed. */
async function withMissing(
  seen: Seen['findings'],
  to: {
    readonly session: Session
    readonly settings: KafkaSettings
    readonly obstacle: (topic: string) => string | undefined
  }
): Promise<Map<string, Finding>> {
  const { session, settings, obstacle } = to
  const findings = new Map<string, Finding>()
  const missing: string[] = []
  for (const [topic, finding] of seen) {
    const trouble = finding === undefined ? obstacle(topic) : undefined
    if (finding !== undefined) findings.set(topic, finding)
    else if (trouble === undefined) missing.push(topic)
    else findings.set(topic, { trouble, refused: !settings.topics.create })
  }
  if (missing.length === 0) return findings
  const refusals = await createTopics(session, settings, missing)
  for (const [topic, refusal] of refusals) findings.set(topic, troubleOf(topic, refusal))
  const made = missing.filter(topic => !refusals.has(topic))
  for (const [topic, finding] of await awaitLeaders(session, made)) {
    const unknown = { trouble: `topic ${topic}: created, but the brokers do not know it yet`, refused: false }
    findings.set(topic, finding ?? unknown)
  }
  return findings
}

function troubleOf(topic: string, error: unknown): Finding {
  return { trouble: explainTopic(topic, error), refused: isRefusedTopic(error) }
}

/** In one request: a controller takes about as long for many as for one. Resolves with what Kafka says of those it refuses. */
async function createTopics(
  session: Session,
  { topics: wanted, log }: KafkaSettings,
  topics: readonly string[]
): Promise<Map<string, unknown>> {
  const { partitions, replicationFactor: replicas = -1 } = wanted
  const refusals = new Map<string, unknown>()
  const thereBefore = new Set<string>()
  try {
    await session.withAdmin(admin =>
      admin.createTopics({ topics: topics.map(topic => ({ topic, partitions, replicas })) })
    )
  } catch (error) {
    if (!isTopicTrouble(error)) throw error
    for (const [topic, refusal] of refusedCreations(error)) {
      if (isAlreadyThere(refusal)) thereBefore.add(topic)
      else refusals.set(topic, refusal)
    }
    // It said no without saying to which.
    if (refusals.size + thereBefore.size === 0) return new Map(topics.map(topic => [topic, error]))
  }
  for (const topic of topics) {
    if (!refusals.has(topic) && !thereBefore.has(topic))
      log.info(`Kafka topic ${topic} created with ${partitions} partitions`)
  }
  return refusals
}

async function awaitLeaders(session: Session, topics: readonly string[]): Promise<Seen['findings']> {
  const patience = performance.now() + LEADER_PATIENCE_MS
  for (;;) {
    const { findings } = topics.length === 0 ? { findings: new Map<string, Finding>() } : await lookAt(session, topics)
    const isThere = [...findings.values()].every(
      finding => finding !== undefined && 'leaders' in finding && finding.leaders.every(leader => leader >= 0)
    )
    if (isThere || performance.now() > patience) return findings
    await sleep(POLL_MS)
  }
}

async function sizeLimits(session: Session, topics: readonly string[]): Promise<Map<string, number>> {
  const limits = new Map<string, number>()
  if (topics.length === 0) return limits
  const resources = topics.map(resourceName => ({
    resourceType: ConfigResourceTypes.TOPIC,
    resourceName,
    configurationKeys: ['max.message.bytes']
  }))
  const results = await session
    .withAdmin((admin: Admin) => admin.describeConfigs({ resources }))
    .catch((error: unknown) => {
      // The look-up is optional: some servers do not have it, and some users may not.
      if (!isTopicTrouble(error) && !isUnsupported(error)) throw error
      return []
    })
  for (const { resourceName, configs } of results) {
    const bytes = Number(configs[0]?.value)
    if (bytes > 0) limits.set(resourceName, bytes)
  }
  return limits
}
