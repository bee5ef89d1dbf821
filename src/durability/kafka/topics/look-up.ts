import { ConfigResourceTypes, type Admin } from '@platformatic/kafka'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ClusterClient, TopicAnswer } from '../connect/cluster-client.ts'
import { isUnsupported } from '../connect/errors.ts'
import { explainTopic, isAlreadyThere, isRefusedTopic, isTopicTrouble } from '../connect/explain.ts'
import type { KafkaSettings } from '../options.ts'
import { createTopics, wantedTopic } from './create.ts'

const LEADER_TIMEOUT_MS = 3_000
const POLL_MS = 20
/** A look-up has failed when this many brokers did not answer. */
const LOOK_UP_TRIES = 3
/** The protocol's error code for a topic that does not exist. */
export const UNKNOWN_TOPIC = 3

/**
 * The result for a topic: its leaders, or why it cannot be used. `refused`: Kafka refuses the topic as it is
 * configured.
 */
export type Finding = { readonly leaders: readonly number[] } | { readonly trouble: string; readonly refused: boolean }

/**
 * Asks one broker after the other for the addresses of the brokers, by node id, and for the topics. The finding of a
 * missing topic is undefined. Rejects if no broker answers.
 */
export async function lookUpTopics(client: ClusterClient, topics: readonly string[]) {
  for (let attempt = 0; ; attempt++) {
    try {
      const answer = await client.lookUp(topics, attempt)
      const brokers = new Map(answer.brokers.map(broker => [broker.nodeId, broker] as const))
      return { brokers, findings: new Map(answer.topics.map(topic => [topic.name, findingOf(topic)])) }
    } catch (error) {
      if (attempt + 1 >= LOOK_UP_TRIES) throw error
    }
  }
}

function findingOf({ name, errorCode, error, partitions }: TopicAnswer): Finding | undefined {
  if (errorCode === UNKNOWN_TOPIC) return undefined
  if (errorCode !== 0) return troubleOf(name, error)
  const leaders: number[] = []
  for (const { partitionIndex, leaderId } of partitions) leaders[partitionIndex] = leaderId
  return { leaders }
}

/** Creates missing topics as tributary.yml and the variables describe them. Resolves with their findings. */
export async function createMissing(
  client: ClusterClient,
  { topics: defaults, log }: Pick<KafkaSettings, 'topics' | 'log'>,
  missing: readonly string[]
): Promise<Map<string, Finding>> {
  const entries = defaults.settings?.() ?? []
  const wanted = new Map(missing.map(topic => [topic, wantedTopic(topic, entries, defaults)] as const))
  // Logged at once, because a later request may fail.
  const errors = await createTopics(client, wanted, (topic, partitions) =>
    log.info(`Kafka topic ${topic} created with ${partitions} partitions`)
  )
  const findings = new Map<string, Finding>()
  const made: string[] = []
  for (const topic of wanted.keys()) {
    const error = errors.get(topic)
    if (error === undefined || isAlreadyThere(error)) made.push(topic)
    else findings.set(topic, troubleOf(topic, error))
  }
  for (const [topic, finding] of await awaitLeaders(client, made)) {
    const unknown = { trouble: `topic ${topic}: created, but the brokers do not know it yet`, refused: false }
    findings.set(topic, finding ?? unknown)
  }
  return findings
}

function troubleOf(topic: string, error: unknown): Finding {
  return { trouble: explainTopic(topic, error), refused: isRefusedTopic(error) }
}

async function awaitLeaders(
  client: ClusterClient,
  topics: readonly string[]
): Promise<Map<string, Finding | undefined>> {
  const deadline = performance.now() + LEADER_TIMEOUT_MS
  for (;;) {
    const { findings } = await lookUpTopics(client, topics)
    const isThere = [...findings.values()].every(
      finding => finding !== undefined && 'leaders' in finding && finding.leaders.every(leader => leader >= 0)
    )
    if (isThere || performance.now() > deadline) return findings
    await sleep(POLL_MS)
  }
}

/**
 * The own and inherited settings of topics, by topic and name. Empty if the user may not read them, or if the server
 * does not have this API.
 */
export async function settingsOf(
  admin: Admin,
  topics: readonly string[],
  names: readonly string[]
): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
  const resources = topics.map(resourceName => ({
    resourceType: ConfigResourceTypes.TOPIC,
    resourceName,
    configurationKeys: [...names]
  }))
  try {
    const described = await admin.describeConfigs({ resources })
    const valuesOf = ({ configs }: (typeof described)[number]): Map<string, string> =>
      new Map(configs.map(({ name, value }) => [name, value ?? '']))
    return new Map(described.map(topic => [topic.resourceName, valuesOf(topic)]))
  } catch (error) {
    if (isTopicTrouble(error) || isUnsupported(error)) return new Map()
    throw error
  }
}
