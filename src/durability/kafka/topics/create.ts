import type { Admin } from '@platformatic/kafka'
import { refusedCreations } from '../connect/errors.ts'
import { isAlreadyThere, isTopicTrouble } from '../connect/explain.ts'
import type { KafkaSettings } from '../options.ts'
import { wantedTopic, type WantedTopic } from './wanted.ts'

type WithAdmin = <T>(work: (admin: Admin) => Promise<T>) => Promise<T>

/**
 * Creates topics as tributary.yml and the variables describe them. Resolves with Kafka's error for each topic that it
 * refuses. Topics with the same configuration are created in one request, because a controller needs about as long for
 * many as for one.
 */
export async function createTopics(
  { withAdmin }: { readonly withAdmin: WithAdmin },
  { topics: defaults, log }: Pick<KafkaSettings, 'topics' | 'log'>,
  topics: readonly string[]
): Promise<Map<string, unknown>> {
  const entries = defaults.settings?.() ?? []
  const wanted = new Map(topics.map(topic => [topic, wantedTopic(topic, entries, defaults)] as const))
  const refusals = new Map<string, unknown>()
  for (const [, group] of Map.groupBy(wanted, ([, { configs }]) => JSON.stringify([...configs]))) {
    const refused = await createAlike(withAdmin, new Map(group))
    for (const [topic, { partitions }] of group) {
      if (refused.made.has(topic)) log.info(`Kafka topic ${topic} created with ${partitions} partitions`)
    }
    for (const [topic, refusal] of refused.refusals) refusals.set(topic, refusal)
  }
  return refusals
}

/** Creates topics with the same configuration. Resolves with Kafka's error for each topic that it refuses. */
async function createAlike(
  withAdmin: WithAdmin,
  wanted: ReadonlyMap<string, WantedTopic>
): Promise<{ readonly made: ReadonlySet<string>; readonly refusals: ReadonlyMap<string, unknown> }> {
  const [first] = wanted.values()
  const configs = [...(first?.configs ?? [])].map(([name, value]) => ({ name, value }))
  const topics = [...wanted].map(([topic, { partitions, replicas = -1 }]) => ({ topic, partitions, replicas }))
  const made = new Set(wanted.keys())
  const refusals = new Map<string, unknown>()
  try {
    await withAdmin(admin => admin.createTopics({ topics, configs }))
  } catch (error) {
    if (!isTopicTrouble(error)) throw error
    const answers = refusedCreations(error)
    // Kafka refused, and did not say which topic.
    if (answers.size === 0) return { made: new Set(), refusals: new Map(topics.map(({ topic }) => [topic, error])) }
    for (const [topic, refusal] of answers) {
      made.delete(topic)
      if (!isAlreadyThere(refusal)) refusals.set(topic, refusal)
    }
  }
  return { made, refusals }
}
