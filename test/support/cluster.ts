import type { Test } from 'tap'
import { startRelay } from './clusters/relay.ts'
import { startKafka, type Kafka } from './kafka.ts'
import { freePort } from './kafka-process.ts'

interface Node {
  readonly id: number
  readonly port: number
  readonly controller: number
}

/** A second listener: its own address, and the address that it advertises. */
interface Listener {
  readonly name: string
  readonly port: number
  readonly advertised: number
}

/** Starts three brokers of one cluster, each with a replica of every partition. */
export async function startCluster(): Promise<readonly Kafka[]> {
  const nodes = await planNodes()
  return Promise.all(nodes.map(node => startNode(node, nodes)))
}

/** One client's own route to all brokers. */
export interface Way {
  readonly brokers: readonly string[]
  /** Closes its connections and refuses new ones. Other clients are not affected. */
  cut(): void
  mend(): void
}

/**
 * Starts a cluster of three as in production (two of three replicas in sync; a leader is replaced after 6 s), with this
 * many routes to it, each of which can be cut separately. Ends with the test.
 */
export async function startClusterWithWays(
  t: Test,
  count: number
): Promise<{ readonly brokers: readonly Kafka[]; readonly ways: readonly Way[] }> {
  const nodes = await planNodes()
  const names = Array.from({ length: count }, (_, at) => `WAY${at}`)
  const plans = await Promise.all(
    nodes.map(async node => {
      const relays = await Promise.all(
        names.map(async name => {
          const port = await freePort()
          return { name, port, relay: await startRelay(t, await freePort(), port) }
        })
      )
      return { node, relays }
    })
  )
  const brokers = await Promise.all(
    plans.map(({ node, relays }) =>
      startNode(node, nodes, {
        listeners: relays.map(({ name, port, relay }) => ({ name, port, advertised: relay.port })),
        properties: { 'min.insync.replicas': '2', 'broker.session.timeout.ms': '6000' }
      })
    )
  )
  t.teardown(() => Promise.all(brokers.map(broker => broker.stop())))
  const ways = names.map((_, at) => {
    const relays = plans.flatMap(plan => plan.relays.slice(at, at + 1).map(({ relay }) => relay))
    return {
      brokers: relays.map(({ port }) => `127.0.0.1:${port}`),
      cut() {
        for (const relay of relays) relay.refuse(true)
        for (const relay of relays) relay.cut()
      },
      mend: () => relays.forEach(relay => relay.refuse(false))
    }
  })
  return { brokers, ways }
}

function planNodes(): Promise<readonly Node[]> {
  return Promise.all([1, 2, 3].map(async id => ({ id, port: await freePort(), controller: await freePort() })))
}

function startNode(
  { id, port, controller }: Node,
  nodes: readonly Node[],
  { listeners = [], properties = {} }: { listeners?: readonly Listener[]; properties?: Record<string, string> } = {}
): Promise<Kafka> {
  const plain = `PLAINTEXT://127.0.0.1:${port}`
  const bound = listeners.map(({ name, port: own }) => `${name}://127.0.0.1:${own}`)
  const protocols = ['PLAINTEXT', 'CONTROLLER', ...listeners.map(({ name }) => name)]
  return startKafka({
    port,
    heap: '256m',
    properties: {
      'node.id': String(id),
      'controller.quorum.voters': nodes.map(node => `${node.id}@127.0.0.1:${node.controller}`).join(','),
      listeners: [plain, ...bound, `CONTROLLER://127.0.0.1:${controller}`].join(','),
      'advertised.listeners': [
        plain,
        ...listeners.map(({ name, advertised }) => `${name}://127.0.0.1:${advertised}`)
      ].join(','),
      'listener.security.protocol.map': protocols.map(name => `${name}:PLAINTEXT`).join(','),
      'default.replication.factor': '3',
      ...properties
    }
  })
}
