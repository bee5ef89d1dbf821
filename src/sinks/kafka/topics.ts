import { ConfigResourceTypes, type Admin } from '@platformatic/kafka'
import { setTimeout as sleep } from 'node:timers/promises'
import { refusedCreations } from './errors.ts'
import { explainTopic, isAlreadyThere, isRefusedTopic, isTopicTrouble, isUnknownTopic } from './explain.ts'
import type { KafkaSettings } from './options.ts'
import type { TopicInfo } from './outbox.ts'
import type { Session } from './session.ts'

export interface TopicBook {
  /** The topics that can be written to. */
  readonly usable: ReadonlyMap<string, TopicInfo>
  /** One line for each topic that cannot. */
  readonly troubles: ReadonlyMap<string, string>
  /** Notes the names as needed from now on. Returns whether any was new. */
  want(names: readonly string[]): boolean
  /** As want(), and forgets all others: they are looked up again when a record names them. */
  wantOnly(names: readonly string[]): boolean
  /**
   * Looks the topics up as check() does, without noting them as needed. Resolves with those that Kafka refuses as they
   * are configured, each with the reason in one line.
   */
  probe(session: Session, names: readonly string[]): Promise<Map<string, string>>
  /**
   * Looks every wanted topic up, creates what is missing, and learns partitions and size limits; `only` restricts it.
   * Rejects when the cluster does not answer; a topic that cannot be had is a trouble, not a rejection.
   */
  check(session: Session, only?: readonly string[]): Promise<void>
}

/** Kafka's own default of max.message.bytes, for users who may not read a topic's configuration. */
const DEFAULT_MAX_MESSAGE_BYTES = 1_048_588
const LEADER_PATIENCE_MS = 3_000
const POLL_MS = 20

/** What is known about the topics that records name. Outlives sessions. */
export function createTopicBook(settings: KafkaSettings): TopicBook {
  const wanted = new Set<string>()
  const usable = new Map<string, TopicInfo>()
  const troubles = new Map<string, string>()

  const fail = (topic: string, trouble: string): void => {
    if (troubles.get(topic) !== trouble) settings.log.error(trouble)
    troubles.set(topic, trouble)
    usable.delete(topic)
  }

  return {
    usable,
    troubles,
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
    async probe(session, names) {
      const refused = new Map<string, string>()
      const unknown = names.filter(name => !usable.has(name))
      for (const [topic, finding] of await lookUp(session, settings, unknown)) {
        if ('trouble' in finding && finding.refused) refused.set(topic, finding.trouble)
      }
      return refused
    },
    async check(session, only = [...wanted]) {
      const found = new Map<string, number>()
      for (const [topic, finding] of await lookUp(session, settings, only)) {
        if ('trouble' in finding) fail(topic, finding.trouble)
        else found.set(topic, finding.partitions)
      }
      const limits = await sizeLimits(session, [...found.keys()])
      for (const [topic, partitions] of found) {
        usable.set(topic, { partitions, maxBytes: limits.get(topic) ?? DEFAULT_MAX_MESSAGE_BYTES })
        troubles.delete(topic)
      }
    }
  }
}

type Finding = { readonly partitions: number } | { readonly trouble: string; readonly refused: boolean }

/** What there is of each topic; those that are missing are made, where that is allowed. */
async function lookUp(
  session: Session,
  settings: KafkaSettings,
  topics: readonly string[]
): Promise<Map<string, Finding>> {
  const findings = new Map<string, Finding>()
  const missing: string[] = []
  const look = async (topic: string): Promise<void> => {
    const finding = await orTrouble(topic, partitionsOf(session, topic))
    if (finding === undefined) missing.push(topic)
    else findings.set(topic, finding)
  }
  await Promise.all(topics.map(look))
  if (missing.length === 0) return findings
  if (!settings.topics.create) {
    for (const topic of missing) {
      const trouble = `topic ${topic}: it does not exist and KAFKA_CREATE_TOPICS is off: create it`
      findings.set(topic, { trouble, refused: true })
    }
    return findings
  }
  const refusals = await createTopics(session, settings, missing)
  const settle = async (topic: string): Promise<void> => {
    const unknown = { trouble: `topic ${topic}: created, but the brokers do not know it yet`, refused: false }
    if (refusals.has(topic)) findings.set(topic, troubleOf(topic, refusals.get(topic)))
    else findings.set(topic, (await orTrouble(topic, awaitLeaders(session, topic))) ?? unknown)
  }
  await Promise.all(missing.map(settle))
  return findings
}

/** Rejects as `partitions` does where the topic is not the trouble. */
async function orTrouble(topic: string, partitions: Promise<number | undefined>): Promise<Finding | undefined> {
  try {
    const count = await partitions
    return count === undefined ? undefined : { partitions: count }
  } catch (error) {
    if (!isTopicTrouble(error)) throw error
    return troubleOf(topic, error)
  }
}

function troubleOf(topic: string, error: unknown): Finding {
  return { trouble: explainTopic(topic, error), refused: isRefusedTopic(error) }
}

async function partitionsOf(session: Session, topic: string): Promise<number | undefined> {
  try {
    const { topics } = await session.producer.metadata({ topics: [topic], forceUpdate: true, retries: 0 })
    return topics.get(topic)?.partitionsCount
  } catch (error) {
    if (isUnknownTopic(error)) return undefined
    throw error
  }
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

async function awaitLeaders(session: Session, topic: string): Promise<number | undefined> {
  const patience = performance.now() + LEADER_PATIENCE_MS
  for (;;) {
    try {
      const partitions = await partitionsOf(session, topic)
      if (partitions !== undefined) return partitions
    } catch (error) {
      if (!isTopicTrouble(error) || performance.now() > patience) throw error
    }
    if (performance.now() > patience) return undefined
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
      if (!isTopicTrouble(error)) throw error
      return []
    })
  for (const { resourceName, configs } of results) {
    const bytes = Number(configs[0]?.value)
    if (bytes > 0) limits.set(resourceName, bytes)
  }
  return limits
}
