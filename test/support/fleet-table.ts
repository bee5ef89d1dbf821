import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { startClusterWithWays, type Way } from './cluster.ts'
import { testFleet, type TestFleet } from './fleet.ts'
import { runHaproxy, type Haproxy } from './haproxy.ts'
import type { Kafka } from './kafka.ts'
import { startLoad, type Answered, type Load, type LoadOptions } from './load.ts'
import type { ServerProcess } from './server-process.ts'
import { START_ARGS } from './start-args.ts'
import { timing, verify, type Verdict } from './verdict.ts'

/** `npm run test:fleet` runs the long form. */
export const isLong = process.env['FLEET_TEST'] === 'long'
/** The limit of the source `slow`, whose key is `wk_slow`, in events a second. */
export const LIMIT = 50
/** The burst of `slow`. */
export const BURST = 100
const EVENTS_PER_SECOND = 250
const TOPIC = 'events'
const USER_HEADER = 'x-user'
const SOURCES = `sources:
  - { id: web, writeKeys: [wk_test] }
  - { id: slow, writeKeys: [wk_slow], rateLimit: { eventsPerSecond: ${LIMIT} } }
`

/** Three servers, three brokers, and balancers. */
export interface Table {
  readonly fleet: TestFleet
  readonly servers: readonly [ServerProcess, ServerProcess, ServerProcess]
  readonly brokers: readonly Kafka[]
  /** The route of each server to the brokers. */
  readonly ways: readonly Way[]
  /** Round robin over the servers that reach Kafka. */
  readonly spread: Haproxy
  /** A user stays on one server, whether that server reaches Kafka or not. */
  readonly sticky: Haproxy
  /** A user stays on one server among those that reach Kafka. */
  readonly stickyToKafka: Haproxy
  /** Runs the load during a fault, and reads back what Kafka has of it. */
  run(t: Test, name: string, options: Run): Promise<Outcome>
}

export interface Run extends Partial<LoadOptions> {
  readonly through: Haproxy
  /** The least duration of the load, including the fault. */
  readonly seconds: number
  /** The fault that happens during the load. */
  readonly fault?: () => Promise<void>
}

export interface Outcome extends Verdict {
  readonly load: Load
  /** Requests without an answer, or with another answer than 200, except those that were shed. */
  readonly failed: Readonly<Record<string, number>>
  /** Requests that a busy server answered 503 with `Retry-After`. */
  readonly shed: number
}

/**
 * Starts everything; ends with the test.
 *
 * @param startArgs the arguments of the servers' version; default: this checkout's
 */
export async function startTable(
  t: Test,
  env: Readonly<Record<string, string>> = {},
  startArgs: readonly string[] = START_ARGS
): Promise<Table> {
  const { brokers, ways } = await startClusterWithWays(t, 3)
  const addresses = brokers.flatMap(broker => broker.brokers)
  const fleet = testFleet(t, addresses, {
    KAFKA_REPLICATION_FACTOR: '3',
    EVENTS_TOPIC: TOPIC,
    MAX_BATCH_EVENTS: String(BURST),
    ...env
  })
  const [a, b, c] = await Promise.all([0, 1, 2].map(at => startable(fleet, 'abc'.charAt(at), ways[at])))
  const servers = [a, b, c] as [ServerProcess, ServerProcess, ServerProcess]
  await servers[0].start({ startArgs })
  await Promise.all([servers[1].start({ startArgs }), servers[2].start({ startArgs })])
  await Promise.all(servers.map(server => server.ready(120_000)))
  const balance = `balance hdr(${USER_HEADER})`
  const spread = await runHaproxy(t, servers, { balance: 'balance roundrobin' })
  const sticky = await runHaproxy(t, servers, { balance, prefersKafka: false })
  const stickyToKafka = await runHaproxy(t, servers, { balance })
  await Promise.all([spread, sticky, stickyToKafka].map(balancer => balancer.knows(3)))

  async function run(t: Test, name: string, { fault, through, seconds, ...options }: Run): Promise<Outcome> {
    const affinity = through === spread ? {} : { userHeader: USER_HEADER }
    const load = startLoad(t, {
      url: through.url,
      eventsPerSecond: EVENTS_PER_SECOND,
      users: 100,
      ...affinity,
      ...options
    })
    await sleep(seconds * 250)
    await fault?.()
    await sleep(seconds * 750)
    await load.stop(60_000)
    await Promise.all(servers.filter(({ running }) => running).map(server => server.drained(120_000)))
    const verdict = await verify([load], { brokers: addresses, topic: TOPIC, prefix: load.prefix })
    const shed = load.answers.filter(isShed).length
    const { '200': _ok, ...failed } = timing(load.answers, { except: isShed }).statuses
    const outcome = { ...verdict, load, failed, shed }
    const how = new Map([
      [spread, 'round robin'],
      [sticky, 'affinity'],
      [stickyToKafka, 'affinity among those that reach Kafka']
    ])
    t.comment(`${name}, ${how.get(through)}: ${inWords(outcome)}`)
    t.same(verdict.missing, [], `${name}: no acknowledged event is missing`)
    return outcome
  }
  return { fleet, servers, brokers, ways, spread, sticky, stickyToKafka, run }
}

/** A server of the fleet that was not started yet. */
export async function startable(fleet: TestFleet, name: string, way?: Way): Promise<ServerProcess> {
  const server = await fleet.server(name, way === undefined ? {} : { KAFKA_BROKERS: way.brokers.join(',') })
  writeFileSync(server.configFile, SOURCES)
  return server
}

/** HAProxy's own 503 has no `Retry-After`. */
function isShed({ status, retryAfter }: Answered): boolean {
  return status === 503 && retryAfter !== undefined
}

function inWords({ acked, missing, duplicates, outOfOrder, failed, shed, load }: Outcome): string {
  const users = new Set(outOfOrder.map(id => id.slice(0, id.lastIndexOf('-')))).size
  return [
    `${acked} acked`,
    `${missing.length} missing`,
    `${duplicates} copies`,
    `${outOfOrder.length} out of order (${((100 * outOfOrder.length) / acked).toFixed(2)} %, ${users} users)`,
    `not 200: ${JSON.stringify(failed)}`,
    `${shed} shed`,
    ...(load.lostEvents > 0 ? [`${load.lostEvents} events of answers thrown away`] : [])
  ].join(', ')
}
