import type { Config, KafkaConfig } from '../config/env/config.ts'
import type { SinkOptions } from '../durability/open.ts'
import { keepInitialValues, type Follow } from '../config/env/followed-files.ts'
import { kafkaSasl, kafkaTls } from './settings/kafka-security.ts'

/** The options of the Kafka sink from the configuration. With `follow`, changed secrets and certificates are used. */
export function kafkaOptions(
  config: Pick<Config, 'publishTimeoutMs'>,
  { brokers, clientId, headers, ssl, sasl, compression, createTopics, recreateAfterMs, ...kafka }: KafkaConfig,
  follow: Follow = keepInitialValues
): NonNullable<SinkOptions['kafka']> {
  const { partitions, replicationFactor } = kafka
  return {
    brokers,
    clientId,
    headers,
    compression,
    topics: { create: createTopics, partitions, ...(replicationFactor === undefined ? {} : { replicationFactor }) },
    publishTimeoutMs: config.publishTimeoutMs,
    recreateAfterMs,
    ...(ssl === undefined ? {} : { ssl: kafkaTls(ssl, follow) }),
    ...(sasl === undefined ? {} : { sasl: kafkaSasl(sasl, follow) })
  }
}
