import type { Config, KafkaConfig } from '../config/env/config.ts'
import type { SinkOptions } from '../durability/open.ts'

/** The settings of the Kafka sink, from the configuration. */
export function kafkaOptions(
  config: Pick<Config, 'publishTimeoutMs'>,
  { brokers, ssl, sasl, createTopics, recreateAfterMs, ...kafka }: KafkaConfig
): NonNullable<SinkOptions['kafka']> {
  const { partitions, replicationFactor } = kafka
  return {
    brokers,
    clientId: 'tributary',
    topics: { create: createTopics, partitions, ...(replicationFactor === undefined ? {} : { replicationFactor }) },
    publishTimeoutMs: config.publishTimeoutMs,
    recreateAfterMs,
    ...(ssl === undefined ? {} : { ssl: ssl.ca === undefined ? {} : { ca: ssl.ca } }),
    ...(sasl === undefined ? {} : { sasl })
  }
}
