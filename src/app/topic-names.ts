import type { Config } from '../config/env/config.ts'
import { fleetTopicNames } from '../fleet/topics/names.ts'
import type { TopicNames } from '../ingest/route/topic-conflicts.ts'

/** All topics that variables name. */
export function topicNames({ eventsTopic, rejectedTopic, violationsTopic, fleet, kafka }: Config): TopicNames {
  const fleetTopics = fleet === undefined ? [] : Object.values(fleetTopicNames(fleet.name))
  return { eventsTopic, rejectedTopic, violationsTopic, fleetTopics, hasKafka: kafka !== undefined }
}
