import type { Config, KafkaConfig } from '../../config/env/config.ts'
import { createRouter } from '../../ingest/route/route.ts'
import { checkCertificate, checkCluster, checkRights } from './cluster.ts'
import { kafkaOptions } from '../../app/kafka-options.ts'
import type { KeyedTributaryFile } from '../../model/tributary-file.ts'
import type { TopicReport } from '../../durability/kafka/topics/inspect.ts'
import { inspectKafka } from '../../durability/kafka/topics/inspect.ts'
import { TOO_FEW_IN_SYNC } from '../../durability/kafka/send/answers.ts'
import { counted } from '../counted.ts'
import type { Finding } from './finding.ts'

const DAY_MS = 24 * 60 * 60 * 1000
/** The most bytes that the server adds to an event, with headers and framing. */
const ENVELOPE_BYTES = 4_096

/** Checks whether Kafka can be reached as configured, and whether the topics' settings fit the server's guarantees. */
export async function checkKafka(
  config: Config,
  kafka: KafkaConfig,
  file: KeyedTributaryFile | undefined
): Promise<Finding[]> {
  const { eventsTopic, rejectedTopic, violationsTopic } = config
  const destinations = file?.file.destinations ?? []
  const router = createRouter({ eventsTopic, rejectedTopic, violationsTopic, destinations })
  try {
    const cluster = await inspectKafka(kafkaOptions(config, kafka), router.knownTopics(file?.file.sources ?? []))
    const { brokers, topics } = cluster
    const answers = brokers === 1 ? 'one broker answers' : `${brokers} brokers answer`
    return [
      { level: 'ok', area: 'Kafka', says: `${answers} at ${kafka.brokers.join(', ')}` },
      ...checkCertificate(kafka),
      ...checkCluster(cluster),
      ...topics.flatMap(topic => checkTopic(topic, { config, kafka, brokers }))
    ]
  } catch (error) {
    const todo = 'Until then events go to the spool on disk.'
    return [{ level: 'problem', area: 'Kafka', says: (error as Error).message, todo }, ...checkCertificate(kafka)]
  }
}

interface Around {
  readonly config: Config
  readonly kafka: KafkaConfig
  readonly brokers: number
}

function checkTopic(topic: TopicReport, around: Around): Finding[] {
  const { name } = topic
  if (topic.trouble !== undefined) {
    return [{ level: 'problem', area: 'topics', says: topic.trouble, todo: 'Until then its events wait in the spool.' }]
  }
  if (topic.exists) {
    const found = [...checkRights(topic), ...checkCopies(topic, around), ...checkSettings(topic, around)]
    return found.length > 0 ? found : [{ level: 'ok', area: 'topics', says: `${name}: ${topic.partitions} partitions` }]
  }
  const { replicationFactor: wanted = 1 } = around.kafka
  if (around.kafka.createTopics && wanted > around.brokers) {
    const size = around.brokers === 1 ? 'one broker' : `${around.brokers} brokers`
    const says = `${name}: it cannot be made: KAFKA_REPLICATION_FACTOR is ${wanted}, but the cluster has ${size}`
    return [{ level: 'problem', area: 'topics', says, todo: 'Lower KAFKA_REPLICATION_FACTOR, or add brokers.' }]
  }
  if (around.kafka.createTopics)
    return [{ level: 'note', area: 'topics', says: `${name}: will be made at the first start` }]
  return [
    {
      level: 'problem',
      area: 'topics',
      says: `${name}: it does not exist, and KAFKA_CREATE_TOPICS is false`,
      todo: `Make it: kafka-topics.sh --create --topic ${name} --partitions ${around.kafka.partitions}`
    }
  ]
}

function checkCopies(topic: TopicReport, { brokers }: Around): Finding[] {
  const { name, replicas, minInSyncReplicas: least, partitionsWithoutLeader, inSyncReplicas } = topic
  const found: Finding[] = []
  const add = (level: Finding['level'], says: string, todo: string): void => {
    found.push({ level, area: 'topics', says: `${name}: ${says}`, todo })
  }
  if (partitionsWithoutLeader > 0) {
    add('problem', `${partitionsWithoutLeader} partitions have no leader`, 'Bring the missing brokers back.')
  }
  if (least === undefined) {
    const todo = 'Let KAFKA_SASL_USERNAME describe the configuration of topics (DescribeConfigs) to have it checked.'
    add('note', 'the configuration of this topic cannot be read', todo)
  } else if (least > replicas) {
    // Kafka counts the smaller one, at least since 3.9 (Partition#effectiveMinIsr).
    add(
      'problem',
      `min.insync.replicas is ${least}, but the topic has ${counted(replicas, 'replica')}: Kafka confirms with that many`,
      `Add replicas, or set min.insync.replicas to ${Math.max(1, replicas - 1)}.`
    )
  } else if (inSyncReplicas < least) {
    add('problem', TOO_FEW_IN_SYNC, 'Bring the missing brokers back.')
  } else if (replicas === 1) {
    const todo =
      brokers > 1 ? 'Raise the replication to 3 (kafka-reassign-partitions.sh).' : 'For production run three brokers.'
    add('warning', 'there is one copy of each record: a lost disk loses events', todo)
  } else if (least === 1) {
    add('warning', 'min.insync.replicas is 1: a 200 may rest on one copy', 'Set min.insync.replicas=2.')
  } else if (least === replicas) {
    add('warning', 'no broker may be down while events are written', `Set min.insync.replicas to ${replicas - 1}.`)
  }
  return found
}

function checkSettings(topic: TopicReport, { config }: Around): Finding[] {
  const { name, maxMessageBytes, retentionMs, cleanupPolicy, uncleanElection } = topic
  const found: Finding[] = []
  if (cleanupPolicy?.includes('compact') === true) {
    found.push({
      level: 'problem',
      area: 'topics',
      says: `${name}: cleanup.policy is ${cleanupPolicy}: Kafka keeps only the last event of each user`,
      todo: 'Set cleanup.policy=delete.'
    })
  }
  if (uncleanElection) {
    found.push({
      level: 'warning',
      area: 'topics',
      says: `${name}: unclean.leader.election.enable is true: a replica that lags may become leader, and events are lost`,
      todo: 'Set unclean.leader.election.enable=false.'
    })
  }
  const largest = config.limits.maxEventBytes + ENVELOPE_BYTES
  if (maxMessageBytes !== undefined && maxMessageBytes < largest) {
    found.push({
      level: 'problem',
      area: 'topics',
      says: `${name}: max.message.bytes is ${maxMessageBytes}, less than an event may have (${largest})`,
      todo: `Raise max.message.bytes to 1048588, or lower MAX_EVENT_BYTES.`
    })
  }
  if (retentionMs !== undefined && retentionMs >= 0 && retentionMs < DAY_MS) {
    found.push({
      level: 'warning',
      area: 'topics',
      says: `${name}: Kafka deletes events after ${(retentionMs / 3_600_000).toFixed(1)} hours`,
      todo: 'Raise retention.ms, so that consumers may be away for a weekend.'
    })
  }
  return found
}
