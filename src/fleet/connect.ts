import type { Config, FleetConfig, KafkaConfig } from '../config/env/config.ts'
import type { ClusterSettings } from '../durability/kafka/options.ts'
import type { FleetTopics } from './topics/topics.ts'

/** The topics of the fleet that the configuration names, on the cluster of `settings`. The Kafka client is loaded only here. */
export async function connectFleet(
  { kafka, fleet }: { readonly kafka: KafkaConfig; readonly fleet: FleetConfig },
  settings: ClusterSettings
): Promise<FleetTopics> {
  await import('../durability/kafka/connect/client.ts')
  const { clientOptions } = await import('../durability/kafka/connect/session.ts')
  const { openFleetTopics } = await import('./topics/topics.ts')
  const { createTopics, replicationFactor } = kafka
  return openFleetTopics({
    fleet: fleet.name,
    client: clientOptions(settings),
    replicationFactor,
    create: createTopics
  })
}

/** The parts of a configuration that joins a fleet; undefined if it does not. */
export function fleetParts({ kafka, fleet }: Config): { kafka: KafkaConfig; fleet: FleetConfig } | undefined {
  return kafka === undefined || fleet === undefined ? undefined : { kafka, fleet }
}
