import { startKafka, type Kafka } from './kafka.ts'
import { freePort } from './kafka-process.ts'

/** Three brokers of one cluster, each with everything that is replicated. */
export async function startCluster(): Promise<readonly Kafka[]> {
  const nodes = await Promise.all(
    [1, 2, 3].map(async id => ({ id, port: await freePort(), controller: await freePort() }))
  )
  const voters = nodes.map(({ id, controller }) => `${id}@127.0.0.1:${controller}`).join(',')
  return Promise.all(
    nodes.map(({ id, port, controller }) =>
      startKafka({
        port,
        heap: '256m',
        properties: {
          'node.id': String(id),
          'controller.quorum.voters': voters,
          listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
          'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
          'default.replication.factor': '3'
        }
      })
    )
  )
}
