import { AclOperations, type Admin } from '@platformatic/kafka'
import { explainClosing } from '../connect/closing.ts'
import { ClusterClient, type TopicAnswer } from '../connect/cluster-client.ts'
import { explain, explainTopic } from '../connect/explain.ts'
import { reachableFirst, unreachableBrokers } from '../connect/reachable.ts'
import { clientOptions } from '../connect/session.ts'
import type { ClusterSettings } from '../options.ts'
import { settingsOf, UNKNOWN_TOPIC } from './look-up.ts'
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

/** The broker's value if it does not state the rights. */
const RIGHTS_UNKNOWN = -2_147_483_648

/**
 * Inspects a cluster and the named topics, and changes nothing. Rejects with a readable error if the cluster cannot be
 * reached.
 */
export async function inspectKafka(settings: ClusterSettings, topics: readonly string[]): Promise<ClusterReport> {
  const brokers = await reachableFirst(settings)
  const client = new ClusterClient({ ...clientOptions({ ...settings, brokers }), retries: 1 })
  try {
    const answer = await client.lookUp(topics, 0, true)
    const unreachable = await unreachableBrokers(settings, answer.brokers)
    const isReachable = unreachable.length === 0
    const reports: TopicReport[] = []
    for (const topic of answer.topics) reports.push(await inspectTopic(client, topic, isReachable))
    const username = settings.sasl?.mechanism === 'OAUTHBEARER' ? undefined : settings.sasl?.username
    const quota = isReachable ? await producerQuota(client, { username, clientId: settings.clientId }) : undefined
    return { brokers: answer.brokers.length, unreachable, producerQuota: quota, topics: reports }
  } catch (error) {
    const named = await explainClosing(client.withAlert(error), settings.brokers)
    throw new Error(explain(named, settings.brokers), { cause: error })
  } finally {
    await client.close().catch(() => undefined)
  }
}

/** Settings are requested only if the brokers can be reached. */
async function inspectTopic(admin: Admin, topic: TopicAnswer, isReachable: boolean): Promise<TopicReport> {
  const { name, errorCode, error, partitions, topicAuthorizedOperations: rights } = topic
  const isKnown = errorCode === 0 && isReachable
  const settings = (isKnown ? await settingsOf(admin, [name], SETTINGS) : undefined)?.get(name) ?? new Map()
  const number = (key: (typeof SETTINGS)[number]): number | undefined =>
    settings.has(key) ? Number(settings.get(key)) : undefined
  return {
    name,
    exists: errorCode !== UNKNOWN_TOPIC,
    trouble: errorCode === 0 || errorCode === UNKNOWN_TOPIC ? undefined : explainTopic(name, error),
    mayWrite: rights === RIGHTS_UNKNOWN ? undefined : (rights & (1 << AclOperations.WRITE)) !== 0,
    partitions: partitions.length,
    replicas: Math.min(...partitions.map(({ replicaNodes }) => replicaNodes.length)),
    partitionsWithoutLeader: partitions.filter(({ leaderId }) => leaderId < 0).length,
    inSyncReplicas: Math.min(...partitions.map(({ isrNodes }) => isrNodes.length)),
    minInSyncReplicas: number('min.insync.replicas'),
    maxMessageBytes: number('max.message.bytes'),
    retentionMs: number('retention.ms'),
    cleanupPolicy: settings.get('cleanup.policy'),
    uncleanElection: settings.get('unclean.leader.election.enable') === 'true',
    settings
  }
}
