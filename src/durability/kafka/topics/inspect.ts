import { Admin, ConfigResourceTypes } from '@platformatic/kafka'
import { explain, isTopicTrouble, isUnknownTopic } from '../connect/explain.ts'
import type { KafkaSettings } from '../options.ts'
import { clientOptions } from '../connect/session.ts'
import { nameClosing } from '../connect/closing.ts'
import { isUnsupported } from '../connect/errors.ts'

/** A topic as the cluster has it. Settings are undefined where the user may not read them. */
export interface TopicReport {
  readonly name: string
  readonly exists: boolean
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
}

export interface ClusterReport {
  readonly brokers: number
  readonly topics: readonly TopicReport[]
}

const SETTINGS = ['min.insync.replicas', 'max.message.bytes', 'retention.ms', 'cleanup.policy'] as const

/** Looks at a cluster and the named topics, and changes nothing. Rejects, in words, where it cannot be reached. */
export async function inspectKafka(
  settings: Pick<KafkaSettings, 'brokers' | 'clientId' | 'ssl' | 'sasl'>,
  topics: readonly string[]
): Promise<ClusterReport> {
  const admin = new Admin({ ...clientOptions(settings), retries: 1 })
  try {
    const { brokers } = await admin.metadata({ topics: [] })
    const reports: TopicReport[] = []
    for (const topic of topics) reports.push(await inspectTopic(admin, topic))
    return { brokers: brokers.size, topics: reports }
  } catch (error) {
    throw new Error(explain(await nameClosing(error, settings.brokers), settings.brokers), { cause: error })
  } finally {
    await admin.close().catch(() => undefined)
  }
}

async function inspectTopic(admin: Admin, name: string): Promise<TopicReport> {
  const partitions = await partitionsOf(admin, name)
  const values = partitions === undefined ? new Map<string, string>() : await settingsOf(admin, name)
  const number = (key: (typeof SETTINGS)[number]): number | undefined =>
    values.has(key) ? Number(values.get(key)) : undefined
  return {
    name,
    exists: partitions !== undefined,
    partitions: partitions?.length ?? 0,
    replicas: Math.min(...(partitions ?? []).map(({ replicas }) => replicas.length)),
    inSyncReplicas: Math.min(...(partitions ?? []).map(({ isr }) => isr.length)),
    partitionsWithoutLeader: (partitions ?? []).filter(({ leader }) => leader < 0).length,
    minInSyncReplicas: number('min.insync.replicas'),
    maxMessageBytes: number('max.message.bytes'),
    retentionMs: number('retention.ms'),
    cleanupPolicy: values.get('cleanup.policy')
  }
}

async function partitionsOf(admin: Admin, topic: string) {
  try {
    const { topics } = await admin.metadata({ topics: [topic], forceUpdate: true })
    const found = topics.get(topic)
    return found === undefined ? undefined : Object.values(found.partitions)
  } catch (error) {
    if (isUnknownTopic(error)) return undefined
    throw error
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
