import type { TopicSettings } from '../../../model/tributary-file.ts'

/** How a topic is to be created: partitions, replicas (undefined: the broker's default), and its own configuration. */
export interface WantedTopic {
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
export interface TopicDefaults {
  readonly partitions: number
  readonly replicationFactor?: number | undefined
}

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
