/**
 * npm run bench:seen: what sharing messageIds costs a fleet of one and of three servers, in turns with fleets that share none:
 * CPU time of the servers for an event, CPU time without events, and bytes of `.fleet.seen` for an id.
 */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { Kafka } from '../test/support/kafka.ts'
import { drive } from './drive.ts'
import type { Subject } from './subjects.ts'
import { startBroker, startTributary } from './subjects.ts'
import { median } from './table.ts'
import { WORKLOADS, type Workload } from './workloads.ts'

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '10' }, rounds: { type: 'string', default: '5' } }
})
const seconds = Number(values.seconds)
/** Requests a second for each server, far below what it can take. */
const RATES: Readonly<Record<string, number>> = { W1: 300, W2: 30 }

interface FleetUnderTest {
  readonly name: string
  readonly share: 'on' | 'off'
  readonly servers: readonly Subject[]
  /** Microseconds an event, by workload and round. */
  readonly costs: Map<string, number[]>
  /** Milliseconds a second of each server, by round. */
  readonly idle: number[]
  ids: number
}

/** @param started gets each server when it is ready, so that it is stopped even if a later one does not start */
async function startFleet(
  kafka: Kafka,
  started: Subject[],
  { count, share }: { count: number; share: 'on' | 'off' }
): Promise<FleetUnderTest> {
  const name = `bench-${count}-${share}`
  for (let at = 0; at < count; at++) {
    const env = { FLEET: 'true', FLEET_NAME: name, SERVER_NAME: `${name}-${at}`, DEDUP_SHARE: share }
    const more = { KAFKA_REPLICATION_FACTOR: '1' }
    started.push(await startTributary({ name, brokers: kafka.brokers, env: { ...env, ...more } }))
  }
  return { name, share, servers: started.slice(-count), costs: new Map(), idle: [], ids: 0 }
}

const cpuOf = (servers: readonly Subject[]): number =>
  servers.reduce((sum, { process }) => sum + process.cpuMicroseconds(), 0)

/** Loads all servers at once. What they still have to tell or to hear then is counted too. */
async function loadFleet(fleet: FleetUnderTest, workload: Workload): Promise<number> {
  const before = cpuOf(fleet.servers)
  const rate = RATES[workload.id] ?? 1
  const results = await Promise.all(fleet.servers.map(server => drive(server, workload, { seconds, rate })))
  await sleep(500)
  const events = results.reduce((sum, result) => sum + result.events, 0)
  fleet.ids += events
  return (cpuOf(fleet.servers) - before) / events
}

async function rest(fleet: FleetUnderTest): Promise<number> {
  const before = cpuOf(fleet.servers)
  await sleep(seconds * 1_000)
  return (cpuOf(fleet.servers) - before) / 1_000 / seconds / fleet.servers.length
}

/** Bytes of the segments of a fleet's `.fleet.seen`, of one replica. */
function seenBytes({ dir }: Kafka, { name }: FleetUnderTest): number {
  const data = join(dir, 'data')
  const folders = readdirSync(data).filter(folder => folder.startsWith(`${name}.fleet.seen-`))
  const files = folders.flatMap(folder => readdirSync(join(data, folder)).map(file => join(data, folder, file)))
  return files.filter(file => file.endsWith('.log')).reduce((sum, file) => sum + statSync(file).size, 0)
}

function print(kafka: Kafka, fleet: FleetUnderTest): void {
  const { servers, share, costs, idle, ids } = fleet
  const bytes = seenBytes(kafka, fleet) / ids
  const spread = (figures: readonly number[]): string =>
    `${median(figures).toFixed(1)} (${Math.min(...figures).toFixed(1)} to ${Math.max(...figures).toFixed(1)})`
  const cells = [servers.length, share, ...[...costs.values()].map(spread), spread(idle), bytes.toFixed(1)]
  process.stdout.write(`| ${cells.join(' | ')} |\n`)
}

const kafka = await startBroker()
const workloads = WORKLOADS.filter(({ id }) => RATES[id] !== undefined)
const fleets: FleetUnderTest[] = []
const started: Subject[] = []
try {
  for (const count of [1, 3])
    for (const share of ['off', 'on'] as const) fleets.push(await startFleet(kafka, started, { count, share }))
  // The first round compiles.
  for (let round = 0; round <= Number(values.rounds); round++) {
    for (const fleet of fleets) {
      for (const workload of workloads) {
        const cost = await loadFleet(fleet, workload)
        if (round > 0) fleet.costs.set(workload.id, [...(fleet.costs.get(workload.id) ?? []), cost])
      }
      if (round > 0) fleet.idle.push(await rest(fleet))
    }
  }
  const names = workloads.map(({ name }) => `${name}: us an event`)
  const head = ['servers', 'DEDUP_SHARE', ...names, 'idle: CPU ms a second', 'bytes an id']
  process.stdout.write(`| ${head.join(' | ')} |\n|${'---|'.repeat(head.length)}\n`)
  for (const fleet of fleets) print(kafka, fleet)
} finally {
  for (const server of started) await server.stop()
  await kafka.stop()
}
