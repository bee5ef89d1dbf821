import { ConfigResourceTypes } from '@platformatic/kafka'
import { setTimeout as sleep } from 'node:timers/promises'
import type { BrokerAddress, ClusterAnswer } from '../connect/cluster-client.ts'
import { isUnsupported } from '../connect/errors.ts'
import { explainTopic, isRefusedTopic, isTopicTrouble } from '../connect/explain.ts'
import type { Session } from '../connect/session.ts'
import { createTopics } from './create.ts'
import type { KafkaSettings } from '../options.ts'

const LEADER_TIMEOUT_MS = 3_000
const POLL_MS = 20
/** A look-up has failed when this many brokers did not answer. */
const LOOK_UP_TRIES = 3
const UNKNOWN_TOPIC = 3

/**
 * The result for a topic: its leaders, or why it cannot be used. `refused`: Kafka refuses the topic as it is
 * configured.
 */
export type Finding = { readonly leaders: readonly number[] } | { readonly trouble: string; readonly refused: boolean }

/** The metadata of the cluster in one broker's answer. */
export interface ClusterView {
  readonly brokers: ReadonlyMap<number, BrokerAddress>
  /** Undefined: the topic is missing. */
  readonly findings: ReadonlyMap<string, Finding | undefined>
}

/** Asks one broker after the other. Rejects if none of them answers. */
export async function lookUpTopics(session: Session, topics: readonly string[]): Promise<ClusterView> {
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

/**
 * Creates missing topics, unless `obstacle` names a reason against it. Resolves with the findings, including those of
 * new topics.
 */
export async function createMissing(
  seen: ClusterView['findings'],
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

async function awaitLeaders(session: Session, topics: readonly string[]): Promise<ClusterView['findings']> {
  const deadline = performance.now() + LEADER_TIMEOUT_MS
  for (;;) {
    const { findings } =
      topics.length === 0 ? { findings: new Map<string, Finding>() } : await lookUpTopics(session, topics)
    const isThere = [...findings.values()].every(
      finding => finding !== undefined && 'leaders' in finding && finding.leaders.every(leader => leader >= 0)
    )
    if (isThere || performance.now() > deadline) return findings
    await sleep(POLL_MS)
  }
}

/** Each topic's max.message.bytes, if it can be read. */
export async function sizeLimits(session: Session, topics: readonly string[]): Promise<Map<string, number>> {
  const limits = new Map<string, number>()
  if (topics.length === 0) return limits
  const resources = topics.map(resourceName => ({
    resourceType: ConfigResourceTypes.TOPIC,
    resourceName,
    configurationKeys: ['max.message.bytes']
  }))
  const results = await session
    .withAdmin(admin => admin.describeConfigs({ resources }))
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
