import type { Config, FleetConfig, KafkaConfig } from '../config/env/config.ts'
import type { FleetTopics } from './topics/topics.ts'

/** The topics of the fleet that the configuration names. The Kafka client is loaded only here. */
export async function connectFleet(
  { kafka, fleet }: { readonly kafka: KafkaConfig; readonly fleet: FleetConfig },
  clientId = 'tributary'
): Promise<FleetTopics> {
  await import('../durability/kafka/connect/client.ts')
  const { clientOptions } = await import('../durability/kafka/connect/session.ts')
  const { openFleetTopics } = await import('./topics/topics.ts')
  const { brokers, ssl, sasl, createTopics, replicationFactor } = kafka
  const tls = ssl === undefined ? {} : { ssl: ssl.ca === undefined ? {} : { ca: ssl.ca } }
  const client = clientOptions({ brokers, clientId, ...tls, ...(sasl === undefined ? {} : { sasl }) })
  return openFleetTopics({ fleet: fleet.name, client, replicationFactor, create: createTopics })
}

/** Both parts of a configuration that joins a fleet; undefined where it does not. */
export function fleetParts({ kafka, fleet }: Config): { kafka: KafkaConfig; fleet: FleetConfig } | undefined {
  return kafka === undefined || fleet === undefined ? undefined : { kafka, fleet }
}
