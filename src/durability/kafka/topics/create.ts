import type { Admin } from '@platformatic/kafka'
import type { TopicSettings } from '../../../model/tributary-file.ts'
import { topicErrors } from '../connect/errors.ts'
import { isTopicTrouble } from '../connect/explain.ts'
import type { KafkaTopicOptions } from '../options.ts'

/** How a topic is to be created: partitions, replicas (undefined: the broker's default), and its own configuration. */
interface WantedTopic {
  readonly partitions: number
  readonly replicas: number | undefined
  readonly configs: { readonly name: string; readonly value: string }[]
}

/** The entry that matches a topic: its own name, or else the longest prefix. */
export function settingsFor(topic: string, entries: readonly TopicSettings[]): TopicSettings | undefined {
  const fits = ({ name }: TopicSettings): boolean =>
    name === topic || (name.endsWith('*') && topic.startsWith(name.slice(0, -1)))
  const exactness = ({ name }: TopicSettings): number => (name.endsWith('*') ? name.length - 1 : Infinity)
  return entries.filter(fits).toSorted((a, b) => exactness(b) - exactness(a))[0]
}

/** The values for a topic if the file has none. */
export type TopicDefaults = Pick<KafkaTopicOptions, 'partitions' | 'replicationFactor'>

/** How a topic is to be created, with Kafka's names for the configuration that its entry sets. */
export function wantedTopic(topic: string, entries: readonly TopicSettings[], defaults: TopicDefaults): WantedTopic {
  const entry = settingsFor(topic, entries)
  const configs = {
    'retention.ms': entry?.retentionMs,
    'cleanup.policy': entry?.cleanupPolicy,
    'min.insync.replicas': entry?.minInsyncReplicas,
    'max.message.bytes': entry?.maxMessageBytes
  }
  return {
    partitions: entry?.partitions ?? defaults.partitions,
    replicas: entry?.replication ?? defaults.replicationFactor,
    configs: Object.entries(configs).flatMap(([name, value]) =>
      value === undefined ? [] : [{ name, value: String(value) }]
    )
  }
}

/**
 * Creates topics. Resolves with Kafka's error for each topic that was not created. Topics with the same configuration
 * are created in one request, because a controller needs about as long for many as for one.
 */
export async function createTopics(
  admin: Admin,
  wanted: ReadonlyMap<string, WantedTopic>,
  onCreated: (topic: string, partitions: number) => void = () => undefined
): Promise<Map<string, unknown>> {
  const errors = new Map<string, unknown>()
  for (const [, group] of Map.groupBy(wanted, ([, { configs }]) => JSON.stringify(configs))) {
    const topics = group.map(([topic, { partitions, replicas = -1 }]) => ({ topic, partitions, replicas }))
    try {
      await admin.createTopics({ topics, configs: group[0]?.[1].configs ?? [] })
    } catch (error) {
      if (!isTopicTrouble(error)) throw error
      const refused = topicErrors(error)
      for (const { topic } of topics) {
        // Kafka may refuse a request without saying for which topic.
        if (refused.size === 0 || refused.has(topic)) errors.set(topic, refused.get(topic) ?? error)
      }
    }
    for (const { topic, partitions } of topics) if (!errors.has(topic)) onCreated(topic, partitions)
  }
  return errors
}
