import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { jarsOf } from './kafka-jars.ts'
import { freePort, startJava, type JavaProcess } from './kafka-process.ts'

const POMS = join(import.meta.dirname, 'kafka-connect')
/** Connect loads the connectors of the recipes from here, relative to its own folder. */
const PLUGINS = 'plugins'
const FILE_CONNECTOR = 'connect-file-4.1.0.jar'

/** The folder with Kafka Connect's own jars, fetched with Maven on first use. */
export function kafkaConnectJars(): Promise<string> {
  return jarsOf({ pom: join(POMS, 'pom.xml'), artifact: 'connect-runtime', folder: 'kafka-connect' })
}

/** The folder with the jars of Debezium's JDBC sink and its drivers, fetched with Maven on first use. */
export function jdbcSinkJars(): Promise<string> {
  const pom = join(POMS, 'jdbc-pom.xml')
  return jarsOf({ pom, artifact: 'debezium-connector-jdbc', folder: 'kafka-connect-jdbc' })
}

export interface ConnectOptions {
  readonly brokers: readonly string[]
  /** The folder in which the worker runs. */
  readonly dir: string
  /** worker.properties as a page prints it; the addresses are replaced by the test's own. */
  readonly worker: string
  /** The properties of each connector. */
  readonly connectors: readonly string[]
}

/** Writes the files of a stand-alone worker, and returns a function that starts it. The worker ends with the test. */
export async function createConnect(t: Test, options: ConnectOptions): Promise<() => Promise<JavaProcess>> {
  const { dir } = options
  const libs = await kafkaConnectJars()
  mkdirSync(join(dir, PLUGINS), { recursive: true })
  symlinkSync(join(libs, FILE_CONNECTOR), join(dir, PLUGINS, FILE_CONNECTOR))
  if (options.connectors.some(text => text.includes('io.debezium')))
    symlinkSync(await jdbcSinkJars(), join(dir, PLUGINS, 'debezium'))
  const worker = options.worker
    .replace('localhost:9092', options.brokers.join())
    .replace('127.0.0.1:8083', `127.0.0.1:${await freePort()}`)
  writeFileSync(join(dir, 'worker.properties'), worker)
  const names = options.connectors.map((text, index) => {
    const name = `connector-${index}.properties`
    writeFileSync(join(dir, name), text)
    return name
  })
  const args = ['org.apache.kafka.connect.cli.ConnectStandalone', 'worker.properties', ...names]
  return async () => {
    const started = await startJava({ libs, dir, heap: '384m', wrapper: [], env: {}, args })
    t.teardown(() => started.kill('SIGKILL'))
    return started
  }
}
