import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kafkaJars, runTool } from './kafka-jars.ts'
import { freePort, startJava, type JavaProcess } from './kafka-process.ts'
import { waitForBroker } from './kafka-topics.ts'

export {
  configureTopic,
  createTopic,
  deleteRecords,
  deleteTopic,
  produceValues,
  readTopic,
  topicOffsets
} from './kafka-topics.ts'
export { javaPartition } from './java-partition.ts'

export interface KafkaOptions {
  /** Server properties that override the defaults below. `{dir}` in a value is replaced by the broker's own folder. */
  readonly properties?: Readonly<Record<string, string>>
  /** The folder of the broker's data, e.g. a small tmpfs; default: inside its own folder. */
  readonly logDir?: string
  /** The plain listener's port; default: a free one. */
  readonly port?: number
  /** The protocol of a second listener, `secureBrokers`. Its keys and mechanisms are in `properties`. */
  readonly security?: 'SASL_PLAINTEXT' | 'SSL' | 'SASL_SSL'
  /** The command that runs `java`, e.g. `['prlimit', '--fsize=50000000']`. */
  readonly wrapper?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** More arguments for `StorageTool format`, e.g. `['--add-scram', 'SCRAM-SHA-256=[name=a,password=b]']`. */
  readonly format?: readonly string[]
  /** Java's heap; default 384m. */
  readonly heap?: string
}

export interface Kafka {
  /** `host:port` of the plain listener. */
  readonly brokers: string[]
  readonly secureBrokers: string[]
  /** The process id of Java; changes with a restart; 0 for a shared broker. */
  readonly pid: number
  /** The broker's folder: server.properties, broker.log, data. */
  readonly dir: string
  /** Ends the broker and removes its folder. Safe to call twice. */
  stop(): Promise<void>
  /** Sends the signal (default SIGKILL) and waits until the process has ended. */
  kill(signal?: NodeJS.Signals): Promise<void>
  /** Starts it again on the same ports and data, after SIGTERM if it runs. Resolves when it answers. */
  restart(): Promise<void>
  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): void
  /** SIGCONT. */
  resume(): void
}

/**
 * A real Kafka for tests. Without options, uses the one that KAFKA_BROKERS names, if it is set. Otherwise starts a
 * broker: Apache Kafka on `java`, a combined KRaft node, on 127.0.0.1, in a few seconds. Call stop() in a teardown.
 */
export async function startKafka(options?: KafkaOptions): Promise<Kafka> {
  const shared = process.env['KAFKA_BROKERS']
  if (options === undefined && shared) return sharedKafka(shared.split(','))
  return ownKafka(options ?? {})
}

function sharedKafka(brokers: string[]): Kafka {
  const refuse = (): never => {
    throw new Error(
      'the broker of KAFKA_BROKERS may not be stopped: pass options to startKafka to start a broker for the test'
    )
  }
  const none = { secureBrokers: [], pid: 0, dir: '', stop: async () => {} }
  return { brokers, ...none, kill: refuse, restart: refuse, pause: refuse, resume: refuse }
}

async function ownKafka(options: KafkaOptions): Promise<Kafka> {
  const libs = await kafkaJars()
  const dir = await mkdtemp(join(tmpdir(), 'tributary-kafka-'))
  const sweep = (): void => rmSync(dir, { recursive: true, force: true })
  process.once('exit', sweep)
  const port = options.port ?? (await freePort())
  const securePort = options.security ? await freePort() : 0
  const settings = join(dir, 'server.properties')
  await writeFile(settings, await serverProperties(options, { dir, port, securePort }))

  const brokers = [`127.0.0.1:${port}`]
  const heap = options.heap ?? '384m'
  const launch = {
    libs,
    dir,
    heap,
    wrapper: options.wrapper ?? [],
    env: options.env ?? {},
    args: ['kafka.Kafka', settings]
  }
  const start = async (): Promise<JavaProcess> => {
    const started = await startJava(launch)
    try {
      await waitForBroker(brokers, started)
      return started
    } catch (error) {
      await started.kill('SIGKILL')
      throw error
    }
  }
  await format({ libs, settings, extra: options.format ?? [] })
  let java = await start()

  return {
    brokers,
    secureBrokers: options.security ? [`127.0.0.1:${securePort}`] : [],
    get pid() {
      return java.pid
    },
    dir,
    kill: (signal = 'SIGKILL') => java.kill(signal),
    restart: async () => {
      await java.kill('SIGTERM')
      java = await start()
    },
    pause: () => java.signal('SIGSTOP'),
    resume: () => java.signal('SIGCONT'),
    stop: async () => {
      await java.kill('SIGKILL')
      process.off('exit', sweep)
      await rm(dir, { recursive: true, force: true })
    }
  }
}

async function format(options: { libs: string; settings: string; extra: readonly string[] }): Promise<void> {
  const tool = ['-XX:TieredStopAtLevel=1', '-cp', join(options.libs, '*'), 'kafka.tools.StorageTool']
  const cluster = 'dHJpYnV0YXJ5LXRlc3RzAA'
  await runTool('java', [...tool, 'format', '-t', cluster, '-c', options.settings, ...options.extra])
}

async function serverProperties(
  options: KafkaOptions,
  at: { dir: string; port: number; securePort: number }
): Promise<string> {
  const controllerPort = await freePort()
  const listeners = [`PLAINTEXT://127.0.0.1:${at.port}`]
  const protocols = ['PLAINTEXT:PLAINTEXT', 'CONTROLLER:PLAINTEXT']
  if (options.security) {
    listeners.push(`SECURE://127.0.0.1:${at.securePort}`)
    protocols.push(`SECURE:${options.security}`)
  }
  const properties = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: [...listeners, `CONTROLLER://127.0.0.1:${controllerPort}`].join(','),
    'advertised.listeners': listeners.join(','),
    'listener.security.protocol.map': protocols.join(','),
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': options.logDir ?? join(at.dir, 'data'),
    ...QUICK,
    ...options.properties
  }
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value.replaceAll('{dir}', at.dir)}\n`)
    .join('')
}

/** One small node: nothing is replicated, little is preallocated, and a killed broker can restart soon. */
const QUICK = {
  'auto.create.topics.enable': 'false',
  'num.network.threads': '2',
  'num.io.threads': '2',
  'offsets.topic.num.partitions': '1',
  'offsets.topic.replication.factor': '1',
  'transaction.state.log.num.partitions': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'group.initial.rebalance.delay.ms': '0',
  'log.cleaner.dedupe.buffer.size': '2097152',
  'log.cleaner.io.buffer.size': '65536',
  'broker.heartbeat.interval.ms': '500',
  'broker.session.timeout.ms': '3000'
}
