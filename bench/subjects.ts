import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Kafka } from '../test/support/kafka.ts'
import { startKafka } from '../test/support/kafka.ts'
import { createTopic } from '../test/support/kafka-topics.ts'
import { START_ARGS, startArgsOf, startEnvOf } from '../test/support/start-args.ts'
import type { Measured } from './process.ts'
import { freePort, startProcess, waitReady } from './process.ts'
import { rustProgram } from './rust.ts'
import type { Unit } from './servers/keep.ts'
import { MOST_KEPT_MIB } from './servers/keep.ts'

/** The server under test gets its own core. The load program and the broker share the other. */
export const SERVER_CORE = 0
export const LOAD_CORE = 1

/**
 * A broker on the core of the load program, whatever KAFKA_BROKERS says, so that it does not take time from the
 * server's core.
 */
export const startBroker = (): Promise<Kafka> => startKafka({ wrapper: ['taskset', '-c', String(LOAD_CORE)] })

export interface Subject {
  readonly name: string
  readonly port: number
  readonly process: Measured
  readonly readyMs: number
  /** Undefined for the references. */
  readonly adminUrl: string | undefined
  readonly topic: string | undefined
  stop(): Promise<void>
  /** Starts the same server from another checkout, to measure both in turns. Only Tributary has it. */
  twin?(root: string): Promise<Subject>
}

const NO_REFERENCE_HAS = { adminUrl: undefined, topic: undefined }

let topics = 0

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/**
 * A server that only reads, parses, stores and answers.
 *
 * @param keep where it stores events: nowhere, in a file that is fsynced, or in Kafka, with the addresses of its
 * brokers
 */
export async function startReference(
  name: 'bare' | 'fastify',
  keep?: 'fsync' | readonly string[],
  unit: Unit = 'events'
): Promise<Subject> {
  const dir = mkdtempSync(join(tmpdir(), 'tributary-bench-'))
  const [port, topic] = [await freePort(), `floor-${process.pid}-${topics++}`]
  const isKafka = typeof keep === 'object'
  if (isKafka) await createTopic(keep, topic)
  const place = isKafka ? [topic, keep[0] as string] : keep === 'fsync' ? [join(dir, 'log')] : []
  const server = startProcess({ args: [here(`servers/${name}.ts`), String(port), unit, ...place], core: SERVER_CORE })
  const readyMs = await waitUntilTaken(port)
  const stop = (): Promise<void> => stopAndClear(server, dir)
  const kept = keep === undefined ? '' : ` + ${isKafka ? 'Kafka' : keep}${unit === 'bodies' ? ', whole bodies' : ''}`
  return { name: name + kept, port, process: server, readyMs, ...NO_REFERENCE_HAS, stop }
}

/**
 * Tributary's pipeline behind a bare server. It shows the cost of the promises, and its difference from the whole
 * server shows the cost of HTTP.
 *
 * @param brokers the Kafka brokers; default: the event log
 */
export async function startPipeline(brokers: readonly string[] = []): Promise<Subject> {
  const dir = mkdtempSync(join(tmpdir(), 'tributary-bench-'))
  const port = await freePort()
  const flags = START_ARGS.filter(each => each.startsWith('-'))
  const place = brokers.length === 0 ? [] : [`pipeline-${process.pid}-${topics++}`, ...brokers]
  const args = [...flags, here('servers/pipeline.ts'), String(port), dir, ...place]
  const server = startProcess({ args, core: SERVER_CORE })
  const readyMs = await waitUntilTaken(port)
  const stop = (): Promise<void> => stopAndClear(server, dir)
  const name = `bare + Tributary's pipeline to ${brokers.length === 0 ? 'the log' : 'Kafka'}`
  return { name, port, process: server, readyMs, ...NO_REFERENCE_HAS, stop }
}

/**
 * The compiled reference with Kafka: hyper, serde_json, librdkafka. It checks that the JSON is complete and has an id.
 * It has no keys, schema, dedupe or enrichment.
 *
 * @returns undefined if it could not be built, which it has printed by then
 */
export async function startRust(brokers: readonly string[]): Promise<Subject | undefined> {
  const program = rustProgram()
  if (program === undefined) return undefined
  const [port, topic] = [await freePort(), `rust-${process.pid}-${topics++}`]
  await createTopic(brokers, topic)
  const env = { PORT: String(port), KAFKA: brokers.join(','), TOPIC: topic }
  const server = startProcess({ program, args: [], core: SERVER_CORE, env })
  const readyMs = await waitReady(`http://127.0.0.1:${port}/health`)
  const stop = (): Promise<void> => server.stop()
  return { name: 'Rust to Kafka', port, process: server, readyMs, adminUrl: undefined, topic, stop }
}

export interface TributaryOptions {
  readonly name: string
  /** Undefined: the event log. */
  readonly brokers: readonly string[] | undefined
  readonly config?: string
  readonly env?: Record<string, string>
  /** Default: SERVER_CORE. */
  readonly core?: number
  /** The checkout whose server is started. Default: this one. */
  readonly root?: string
}

const ONE_SOURCE = 'sources:\n  - id: bench\n    writeKeys: [wk_bench]\n'
/** The real server, as `npm start` runs it. */
export async function startTributary(options: TributaryOptions): Promise<Subject> {
  const { name, brokers, config = ONE_SOURCE, env, core = SERVER_CORE, root } = options
  const dir = mkdtempSync(join(tmpdir(), 'tributary-bench-'))
  writeFileSync(join(dir, 'tributary.yml'), config)
  const [port, adminPort] = [await freePort(), await freePort()]
  const topic = brokers === undefined ? undefined : `bench-${process.pid}-${topics++}`
  const server = startProcess({
    args: root === undefined ? START_ARGS : startArgsOf(root),
    core,
    cwd: dir,
    env: {
      ...startEnvOf(root ?? here('..')),
      PORT: String(port),
      ADMIN_PORT: String(adminPort),
      LOG_LEVEL: 'warn',
      DATA_DIR: join(dir, 'data'),
      CONFIG_FILE: join(dir, 'tributary.yml'),
      ...(brokers === undefined
        ? { LOG_RETENTION: `${MOST_KEPT_MIB}MiB` }
        : { KAFKA_BROKERS: brokers.join(','), EVENTS_TOPIC: topic ?? '', REJECTED_TOPIC: `${topic}-rejected` }),
      ...env
    }
  })
  const adminUrl = `http://127.0.0.1:${adminPort}`
  const readyMs = await waitReady(`${adminUrl}/readyz`)
  const stop = (): Promise<void> => stopAndClear(server, dir)
  const twin = (other: string): Promise<Subject> =>
    startTributary({ ...options, name: `${name}, of ${other}`, root: other })
  return { name, port, process: server, readyMs, adminUrl, topic, stop, twin }
}

async function stopAndClear(server: Measured, dir: string): Promise<void> {
  await server.stop()
  rmSync(dir, { recursive: true })
}

async function waitUntilTaken(port: number): Promise<number> {
  const started = performance.now()
  const request = { method: 'POST', body: '{"batch":[1]}', headers: { 'content-type': 'application/json' } }
  while (performance.now() - started < 10_000) {
    const response = await fetch(`http://127.0.0.1:${port}/v1/batch`, request).catch(() => undefined)
    if (response !== undefined) return performance.now() - started
  }
  throw new Error(`nothing listens on ${port}`)
}
