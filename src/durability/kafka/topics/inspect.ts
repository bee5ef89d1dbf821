import { Admin, ConfigResourceTypes } from '@platformatic/kafka'
import { ClusterClient, type ClusterAnswer } from '../connect/cluster-client.ts'
import { explain, explainTopic, isTopicTrouble } from '../connect/explain.ts'
import type { KafkaSettings } from '../options.ts'
import { reachableFirst } from '../connect/reachable.ts'
import { clientOptions } from '../connect/session.ts'
import { nameClosing } from '../connect/closing.ts'
import { isUnsupported } from '../connect/errors.ts'
import { watchConnections } from '../connect/watch.ts'
import { unreachableBrokers } from './advertised.ts'
import { producerQuota } from './quota.ts'

/** A topic as the cluster has it. Settings are undefined where the user may not read them. */
export interface TopicReport {
  readonly name: string
  readonly exists: boolean
  /** Why nothing can be said of it, in one line. */
  readonly trouble: string | undefined
  /** Undefined where the brokers do not say. */
  readonly mayWrite: boolean | undefined
  readonly partitions: number
  /** Of the partition that has fewest. */
  readonly replicas: number
  readonly partitionsWithoutLeader: number
  /** Of the partition that has fewest. */
  readonly inSyncReplicas: number
  readonly minInSyncReplicas: number | undefined
  readonly maxMessageBytes: number | undefined
  readonly retentionMs: number | undefined
  readonly cleanupPolicy: string | undefined
  readonly uncleanElection: boolean
  /** By their names; those that the user may not read are missing. */
  readonly settings: ReadonlyMap<string, string>
}

export interface ClusterReport {
  readonly brokers: number
  /** One line for each broker that cannot be reached where it says that it is. */
  readonly unreachable: readonly string[]
  /** Bytes a second that the brokers let this user produce, where they limit that. */
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
/** What a broker says that does not tell the rights. */
const RIGHTS_UNKNOWN = -2_147_483_648
const UNKNOWN_TOPIC = 3

/** Looks at a cluster and the named topics, and changes nothing. Rejects, in words, where it cannot be reached. */
export async function inspectKafka(
  settings: Pick<KafkaSettings, 'brokers' | 'clientId' | 'ssl' | 'sasl'>,
  topics: readonly string[]
): Promise<ClusterReport> {
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
    const named = await nameClosing(watch.withAlert(error), settings.brokers)
    throw new Error(explain(named, settings.brokers), { cause: error })
  } finally {
    await Promise.all([client, admin].map(each => each.close().catch(() => undefined)))
  }
}

type TopicAnswer = ClusterAnswer['topics'][number]

/** Settings are asked for where the brokers can be reached. */
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
