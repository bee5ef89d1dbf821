import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { kafkaJars, runTool } from '../kafka-jars.ts'
import { startKafka, type Kafka } from '../kafka.ts'
import { freePort, startJava } from '../kafka-process.ts'
import type { Authority } from './authority.ts'
import { startSecureKafka } from './secure-kafka.ts'

/** The defaults of each topic. */
const REPLICATED = { 'default.replication.factor': '3', 'min.insync.replicas': '2' }

export interface SecureNode {
  readonly kafka: Kafka
  /** `host:port` of the listener with TLS and SASL. */
  readonly secure: string
}

/** Starts three nodes, each broker and controller, with a second listener that has TLS and this SASL mechanism. */
export async function startSecureCluster(options: {
  readonly authority: Authority
  readonly mechanisms: Readonly<Record<string, string>>
  readonly format?: readonly string[]
}): Promise<readonly SecureNode[]> {
  const { authority, mechanisms, format = [] } = options
  const nodes: { id: number; port: number; secure: number; controller: number }[] = []
  for (const id of [1, 2, 3]) {
    nodes.push({ id, port: await freePort(), secure: await freePort(), controller: await freePort() })
  }
  const voters = nodes.map(({ id, controller }) => `${id}@127.0.0.1:${controller}`).join(',')
  const certificates = await Promise.all(nodes.map(({ id }) => authority.issue(`broker-${id}`)))
  return await Promise.all(
    nodes.map(async ({ id, port, secure, controller }, at) => {
      const clients = `PLAINTEXT://127.0.0.1:${port},SECURE://127.0.0.1:${secure}`
      const kafka = await startSecureKafka({
        security: 'SASL_SSL',
        certificate: certificates[at],
        clients: authority,
        mechanisms,
        format,
        port,
        properties: {
          'node.id': String(id),
          'controller.quorum.voters': voters,
          listeners: `${clients},CONTROLLER://127.0.0.1:${controller}`,
          'advertised.listeners': clients,
          ...REPLICATED
        }
      })
      return { kafka, secure: `127.0.0.1:${secure}` }
    })
  )
}

/**
 * Resolves with a function that starts a broker with a number. The controller is a separate node, so that every broker
 * can be replaced.
 */
export async function startReplaceableCluster(t: Test, replicas: 1 | 3): Promise<(id: number) => Promise<Kafka>> {
  const controller = `127.0.0.1:${await freePort()}`
  const voters = { 'controller.quorum.voters': `100@${controller}` }
  const dir = await mkdtemp(join(tmpdir(), 'tributary-controller-'))
  const settings = join(dir, 'server.properties')
  const own = {
    'process.roles': 'controller',
    'node.id': '100',
    listeners: `CONTROLLER://${controller}`,
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': join(dir, 'data'),
    ...voters
  }
  await writeFile(
    settings,
    Object.entries(own).map(([name, value]) => `${name}=${value}\n`)
  )
  const libs = await kafkaJars()
  const tool = ['-cp', join(libs, '*'), 'kafka.tools.StorageTool', 'format']
  await runTool('java', [...tool, '-t', 'dHJpYnV0YXJ5LXRlc3RzAA', '-c', settings])
  const java = await startJava({ libs, dir, heap: '256m', wrapper: [], env: {}, args: ['kafka.Kafka', settings] })
  t.teardown(async () => {
    await java.kill('SIGKILL')
    await rm(dir, { recursive: true, force: true })
  })

  return async id => {
    const port = await freePort()
    const listeners = `PLAINTEXT://127.0.0.1:${port}`
    const replicated = replicas === 3 ? REPLICATED : {}
    const properties = { ...replicated, ...voters, 'process.roles': 'broker', 'node.id': String(id), listeners }
    const kafka = await startKafka({ port, heap: '256m', properties })
    t.teardown(() => kafka.stop())
    return kafka
  }
}
