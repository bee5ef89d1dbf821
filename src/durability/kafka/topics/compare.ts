import { Admin, ConfigResourceTypes, IncrementalAlterConfigOperationTypes } from '@platformatic/kafka'
import type { TopicSettings } from '../../../model/tributary-file.ts'
import { explain, explainTopic } from '../connect/explain.ts'
import { clientOptions } from '../connect/session.ts'
import type { ClusterSettings } from '../options.ts'
import { createTopics } from './create.ts'
import { inspectKafka, type TopicReport } from './inspect.ts'
import { settingsFor, wantedTopic, type TopicDefaults } from './wanted.ts'

/** One difference between a topic and tributary.yml. */
export interface TopicDifference {
  readonly topic: string
  /** `partitions`, `replication`, the name of a setting, or `topic` if it is missing. */
  readonly what: string
  readonly is: string
  readonly wanted: string
  /** Why `topics apply` does not change it. */
  readonly obstacle?: string
}

interface Wanted {
  readonly topics: readonly string[]
  readonly entries: readonly TopicSettings[]
  readonly defaults: TopicDefaults
}

/**
 * The differences between the cluster's topics and the wanted ones. For a topic that exists, only what tributary.yml
 * names is compared.
 */
export async function compareTopics(
  settings: ClusterSettings,
  { topics, entries, defaults }: Wanted
): Promise<TopicDifference[]> {
  const report = await inspectKafka(settings, topics)
  return report.topics.flatMap(found => {
    if (found.trouble !== undefined) throw new Error(found.trouble)
    return found.exists ? differences(found, entries) : [missing(found.name, { entries, defaults })]
  })
}

function missing(topic: string, { entries, defaults }: Pick<Wanted, 'entries' | 'defaults'>): TopicDifference {
  const { partitions, replicas, configs } = wantedTopic(topic, entries, defaults)
  const parts = [`${partitions} partitions`, ...(replicas === undefined ? [] : [`replication ${replicas}`])]
  return {
    topic,
    what: 'topic',
    is: 'missing',
    wanted: [...parts, ...[...configs].map(pair => pair.join('='))].join(', ')
  }
}

function differences(found: TopicReport, entries: readonly TopicSettings[]): TopicDifference[] {
  const { name: topic } = found
  const entry = settingsFor(topic, entries)
  const list: TopicDifference[] = []
  if (entry?.partitions !== undefined && entry.partitions !== found.partitions) {
    const fewer = 'Kafka takes no partition away'
    list.push({
      topic,
      what: 'partitions',
      is: String(found.partitions),
      wanted: String(entry.partitions),
      ...(entry.partitions < found.partitions ? { obstacle: fewer } : {})
    })
  }
  if (entry?.replication !== undefined && entry.replication !== found.replicas) {
    const obstacle = 'moving replicas is for kafka-reassign-partitions.sh'
    list.push({ topic, what: 'replication', is: String(found.replicas), wanted: String(entry.replication), obstacle })
  }
  for (const [what, wanted] of wantedTopic(topic, entries, { partitions: 1 }).configs) {
    const is = found.settings.get(what)
    if (is !== undefined && is !== wanted) list.push({ topic, what, is, wanted })
  }
  return list
}

/**
 * Changes what differs and can be changed: creates topics, adds partitions, sets configuration. Rejects with a readable
 * error.
 */
export async function applyTopics(
  settings: ClusterSettings,
  all: readonly TopicDifference[],
  wanted: Wanted
): Promise<void> {
  const changes = all.filter(({ obstacle }) => obstacle === undefined)
  const admin = new Admin({ ...clientOptions(settings), retries: 1 })
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
  try {
    const absent = changes.filter(({ what }) => what === 'topic').map(({ topic }) => topic)
    const topics = { create: true, ...wanted.defaults, settings: () => wanted.entries }
    const options = { topics: { ...topics, replicationFactor: wanted.defaults.replicationFactor ?? -1 }, log }
    const refused = await createTopics({ withAdmin: work => work(admin) }, options, absent)
    for (const [topic, error] of refused) throw new Error(explainTopic(topic, error), { cause: error })
    for (const change of changes) await applyOne(admin, change)
  } catch (error) {
    if (error instanceof Error && error.cause !== undefined && error.message.startsWith('topic ')) throw error
    throw new Error(explain(error, settings.brokers), { cause: error })
  } finally {
    await admin.close().catch(() => undefined)
  }
}

async function applyOne(admin: Admin, { topic, what, wanted }: TopicDifference): Promise<void> {
  if (what === 'topic') return
  if (what === 'partitions') {
    await admin.createPartitions({ topics: [{ name: topic, count: Number(wanted) }] })
    return
  }
  const config = { name: what, value: wanted, configOperation: IncrementalAlterConfigOperationTypes.SET }
  const resource = { resourceType: ConfigResourceTypes.TOPIC, resourceName: topic, configs: [config] }
  await admin.incrementalAlterConfigs({ resources: [resource] })
}
