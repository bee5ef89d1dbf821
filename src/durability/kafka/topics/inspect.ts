import { Admin, ConfigResourceTypes } from '@platformatic/kafka'
import { ClusterClient, type ClusterAnswer } from '../connect/cluster-client.ts'
import { explain, explainTopic, isTopicTrouble } from '../connect/explain.ts'
import type { ClusterSettings } from '../options.ts'
import { reachableFirst, unreachableBrokers } from '../connect/reachable.ts'
import { clientOptions } from '../connect/session.ts'
import { explainClosing } from '../connect/closing.ts'
import { isUnsupported } from '../connect/errors.ts'
import { watchConnections } from '../connect/watch.ts'
import { producerQuota } from './quota.ts'

/** A topic of the cluster. Settings are undefined if the user may not read them. */
export interface TopicReport {
  readonly name: string
  readonly exists: boolean
  /** Why the topic cannot be inspected, in one line. */
  readonly trouble: string | undefined
  /** Undefined if the brokers do not say. */
  readonly mayWrite: boolean | undefined
  readonly partitions: number
  /** The replicas of the partition that has the fewest. */
  readonly replicas: number
  readonly partitionsWithoutLeader: number
  /** The in-sync replicas of the partition that has the fewest. */
  readonly inSyncReplicas: number
  readonly minInSyncReplicas: number | undefined
  readonly maxMessageBytes: number | undefined
  readonly retentionMs: number | undefined
  readonly cleanupPolicy: string | undefined
  readonly uncleanElection: boolean
  /** By name, without those that the user may not read. */
  readonly settings: ReadonlyMap<string, string>
}

export interface ClusterReport {
  readonly brokers: number
  /** One line for each broker that cannot be reached at its advertised address. */
  readonly unreachable: readonly string[]
  /** The producer quota of this user in bytes per second, if there is one. */
  readonly producerQuota: number | undefined
  readonly topics: readonly TopicReport[]
}

const SETTINGS = [
  'min.insync.replicas',
  'max.message.bytes',
  'retention.ms',
  'cleanup.policy',
  'unclean.leader.election.enable'
] as const

/** The number of the operation `write` in the protocol. */
const WRITE = 4
/** The broker's value if it does not state the rights. */
const RIGHTS_UNKNOWN = -2_147_483_648
const UNKNOWN_TOPIC = 3

/**
 * Inspects a cluster and the named topics, and changes nothing. Rejects with a readable error if the cluster cannot be
 * reached.
 */
export async function inspectKafka(settings: ClusterSettings, topics: readonly string[]): Promise<ClusterReport> {
  const options = { ...clientOptions({ ...settings, brokers: await reachableFirst(settings) }), retries: 1 }
  const client = new ClusterClient(options)
  const admin = new Admin(options)
  const watch = watchConnections()
  watch.add(client)
  watch.add(admin)
  try {
    const answer = await client.lookUp(topics, 0, true)
    const unreachable = await unreachableBrokers(settings, answer.brokers)
    const reports: TopicReport[] = []
    for (const topic of answer.topics) reports.push(await inspectTopic(admin, topic, unreachable.length === 0))
    const username = settings.sasl?.mechanism === 'OAUTHBEARER' ? undefined : settings.sasl?.username
    const quota =
      unreachable.length > 0 ? undefined : await producerQuota(admin, { username, clientId: settings.clientId })
    return { brokers: answer.brokers.length, unreachable, producerQuota: quota, topics: reports }
  } catch (error) {
    const named = await explainClosing(watch.withAlert(error), settings.brokers)
    throw new Error(explain(named, settings.brokers), { cause: error })
  } finally {
    await Promise.all([client, admin].map(each => each.close().catch(() => undefined)))
  }
}

type TopicAnswer = ClusterAnswer['topics'][number]

/** Settings are requested only if the brokers can be reached. */
async function inspectTopic(admin: Admin, topic: TopicAnswer, isReachable: boolean): Promise<TopicReport> {
  const { name, errorCode, error, partitions, topicAuthorizedOperations: rights = RIGHTS_UNKNOWN } = topic
  const values = errorCode === 0 && isReachable ? await settingsOf(admin, name) : new Map<string, string>()
  const number = (key: (typeof SETTINGS)[number]): number | undefined =>
    values.has(key) ? Number(values.get(key)) : undefined
  return {
    name,
    exists: errorCode !== UNKNOWN_TOPIC,
    trouble: errorCode === 0 || errorCode === UNKNOWN_TOPIC ? undefined : explainTopic(name, error),
    mayWrite: rights === RIGHTS_UNKNOWN ? undefined : (rights & (1 << WRITE)) !== 0,
    partitions: partitions.length,
    replicas: Math.min(...partitions.map(({ replicaNodes }) => replicaNodes.length)),
    partitionsWithoutLeader: partitions.filter(({ leaderId }) => leaderId < 0).length,
    inSyncReplicas: Math.min(...partitions.map(({ isrNodes }) => isrNodes.length)),
    minInSyncReplicas: number('min.insync.replicas'),
    maxMessageBytes: number('max.message.bytes'),
    retentionMs: number('retention.ms'),
    cleanupPolicy: values.get('cleanup.policy'),
    uncleanElection: values.get('unclean.leader.election.enable') === 'true',
    settings: values
  }
}

async function settingsOf(admin: Admin, topic: string): Promise<Map<string, string>> {
  const resource = { resourceType: ConfigResourceTypes.TOPIC, resourceName: topic, configurationKeys: [...SETTINGS] }
  try {
    const [described] = await admin.describeConfigs({ resources: [resource] })
    return new Map((described?.configs ?? []).map(({ name, value }) => [name, value ?? '']))
  } catch (error) {
    if (isTopicTrouble(error) || isUnsupported(error)) return new Map()
    throw error
  }
}
