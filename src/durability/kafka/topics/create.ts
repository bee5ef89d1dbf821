import type { Admin } from '@platformatic/kafka'
import { topicErrors } from '../connect/errors.ts'
import { isTopicTrouble } from '../connect/explain.ts'
import type { WantedTopic } from './wanted.ts'

/**
 * Creates topics. Resolves with Kafka's error for each topic that was not created. Topics with the same configuration
 * are created in one request, because a controller needs about as long for many as for one.
 */
export async function createTopics(
  admin: Admin,
  wanted: ReadonlyMap<string, WantedTopic>
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
  }
  return errors
}
