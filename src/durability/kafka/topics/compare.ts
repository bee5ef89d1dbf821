import { ConfigResourceTypes, IncrementalAlterConfigOperationTypes, type Admin } from '@platformatic/kafka'
import type { TopicSettings } from '../../../model/tributary-file.ts'
import { ClusterClient } from '../connect/cluster-client.ts'
import { explain, explainTopic, isAlreadyThere } from '../connect/explain.ts'
import { clientOptions } from '../connect/session.ts'
import type { ClusterSettings } from '../options.ts'
import { createTopics, settingsFor, wantedTopic, type TopicDefaults } from './create.ts'
import { inspectKafka, type TopicReport } from './inspect.ts'

/** One difference between a topic and tributary.yml. */
export interface TopicDifference {
  readonly topic: string
  /** `partitions`, `replication`, the name of a setting, or `topic` if it is missing. */
  readonly what: string
  readonly is: string
  readonly wanted: string
  /** Why `topics apply` does not change it. */
  readonly obstacle?: string | undefined
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
  const wanted = [...parts, ...configs.map(({ name, value }) => `${name}=${value}`)].join(', ')
  return { topic, what: 'topic', is: 'missing', wanted }
}

function differences(found: TopicReport, entries: readonly TopicSettings[]): TopicDifference[] {
  const { name: topic, partitions, replicas, settings } = found
  const { partitions: wantedPartitions = partitions, replication = replicas } = settingsFor(topic, entries) ?? {}
  const fewer = wantedPartitions < partitions ? 'Kafka takes no partition away' : undefined
  const moving = 'moving replicas is for kafka-reassign-partitions.sh'
  const compared: TopicDifference[] = [
    { topic, what: 'partitions', is: String(partitions), wanted: String(wantedPartitions), obstacle: fewer },
    { topic, what: 'replication', is: String(replicas), wanted: String(replication), obstacle: moving },
    ...wantedTopic(topic, entries, { partitions }).configs.map(({ name: what, value: wanted }) => {
      return { topic, what, is: settings.get(what) ?? wanted, wanted }
    })
  ]
  return compared.filter(({ is, wanted }) => is !== wanted)
}

/**
 * Changes what differs and can be changed: creates topics, adds partitions, sets configuration. Rejects with a readable
 * error.
 */
export async function applyTopics(
  settings: ClusterSettings,
  all: readonly TopicDifference[],
  { entries, defaults }: Pick<Wanted, 'entries' | 'defaults'>
): Promise<void> {
  const changes = all.filter(({ obstacle }) => obstacle === undefined)
  const client = new ClusterClient({ ...clientOptions(settings), retries: 1 })
  const absent = changes.filter(({ what }) => what === 'topic').map(({ topic }) => topic)
  try {
    const errors = await createTopics(
      client,
      new Map(absent.map(topic => [topic, wantedTopic(topic, entries, defaults)]))
    )
    for (const [topic, error] of errors) {
      if (!isAlreadyThere(error)) throw new TopicTrouble(explainTopic(topic, error), { cause: error })
    }
    for (const change of changes) await applyOne(client, change)
  } catch (error) {
    if (error instanceof TopicTrouble) throw error
    throw new Error(explain(client.withAlert(error), settings.brokers), { cause: error })
  } finally {
    await client.close().catch(() => undefined)
  }
}

class TopicTrouble extends Error {}

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
