import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { Test } from 'tap'
import { parseTributaryFile } from '../../src/config/file/tributary-file.ts'
import type { RouteConfig } from '../../src/ingest/route/route.ts'
import { basic, post } from '../support/app.ts'
import { startKafka } from '../support/kafka.ts'
import type { Kafka } from '../support/kafka.ts'
import { readCluster } from '../support/kafka-cluster.ts'
import type { ClusterRecord } from '../support/kafka-cluster.ts'
import { readMetrics, sumOf } from '../support/metrics.ts'
import { recordFault } from '../support/record-schemas.ts'
import { predictTopics } from '../support/route-model.ts'
import { startServer } from '../support/server-process.ts'
import { ownFolder } from '../support/own-folder.ts'

/** `npm run test:destinations` takes 100,000. */
const EVENTS = Number(process.env['DESTINATIONS_EVENTS'] ?? 20_000)
const EVENTS_A_BATCH = 50
const CONNECTIONS = 8
const USERS_A_CONNECTION = 25
const HANG_MS = 8_000
const READ_TIMEOUT_MS = 120_000

const CONFIG = `
sources:
  - { id: web, writeKeys: [wk_web] }
  - { id: shop, writeKeys: [wk_shop] }
destinations:
  - { name: Amplitude, topic: 'to.amplitude.{type}', types: [track, identify, page] }
  - { name: My Warehouse (EU), topic: 'to.{source}.warehouse', events: { deny: [Noise] } }
  - { name: Shop, topic: to.shop, sources: [shop], events: { allow: [Signed Up, Order Completed] }, sample: { rate: 0.3 } }
`
const SOURCES = ['web', 'shop'] as const
const ROUTES: RouteConfig = {
  eventsTopic: 'all.{source}.{type}',
  rejectedTopic: 'rejected.{source}',
  destinations: parseTributaryFile(CONFIG, 'tributary.yml').file.destinations
}

/** An event in flight, and the topics where a client that knows the configuration expects it. */
interface Sent {
  readonly topics: ReadonlySet<string>
  readonly found: Map<string, number>
}

type Value = Record<string, unknown>

/** Reproducible chance (mulberry32). */
function createChance(seed: number): (below: number) => number {
  return below => {
    seed = (seed + 0x6d2b79f5) | 0
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

const NAMES = ['Signed Up', 'Order Completed', 'Noise', 'signed up']
const INTEGRATIONS = [
  undefined,
  undefined,
  {},
  { All: false },
  { All: false, Amplitude: true },
  { Amplitude: false },
  { All: false, Shop: { option: 1 }, amplitude: true },
  { 'My Warehouse (EU)': false, Salesforce: true },
  { All: true, Shop: {}, Amplitude: false }
]
const IDS: Record<string, Value> = { group: { groupId: 'g' }, alias: { previousId: 'p' } }

/** Events for one connection, with users of its own. About one in a hundred is refused because it has no user. */
function createBatches(connection: number, sent: Map<string, Sent>) {
  const chance = createChance(connection + 1)
  const pick = <T>(values: readonly T[]): T => values[chance(values.length)] as T
  let n = 0

  function createEvent(source: string, shared: Value | undefined): Value {
    const messageId = `c${connection}-${n++}`
    const type = pick(['track', 'track', 'track', 'identify', 'page', 'screen', 'group', 'alias'])
    const user = `u${connection}-${chance(USERS_A_CONNECTION)}`
    const isBad = chance(100) === 0
    const who = isBad ? {} : type === 'alias' || chance(2) === 0 ? { userId: user } : { anonymousId: user }
    const integrations = pick(INTEGRATIONS)
    const event = { type, messageId, ...who, ...IDS[type], event: pick(NAMES), properties: { n } }
    const merged = { ...event, projectId: source, integrations: { ...shared, ...integrations } }
    const topics = isBad ? new Set([`rejected.${source}`]) : predictTopics(ROUTES, merged)
    sent.set(messageId, { topics, found: new Map() })
    return { ...event, ...(integrations === undefined ? {} : { integrations }) }
  }

  return (): { source: string; body: Value } => {
    const source = pick(SOURCES)
    const integrations = chance(4) === 0 ? { Amplitude: false } : undefined
    const batch = Array.from({ length: EVENTS_A_BATCH }, () => createEvent(source, integrations))
    return { source, body: { batch, ...(integrations === undefined ? {} : { integrations }) } }
  }
}

/** Sends everything over several connections, each of which waits for its answers. Repeats a request after a 503. */
async function sendAll(url: string, sent: Map<string, Sent>, onHalf: () => void): Promise<Map<number, number>> {
  const answers = new Map<number, number>()
  let batches = Math.ceil(EVENTS / EVENTS_A_BATCH)
  const half = batches / 2
  const connection = async (_: unknown, index: number): Promise<void> => {
    const nextBatch = createBatches(index, sent)
    while (batches-- > 0) {
      if (batches === Math.floor(half)) onHalf()
      const { source, body } = nextBatch()
      for (let status = 0; status !== 200 && status !== 400;) {
        status = (await post(`${url}/v1/batch`, body, { authorization: basic(`wk_${source}`) })).status
        answers.set(status, (answers.get(status) ?? 0) + 1)
        if (status === 503) await sleep(500)
      }
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, connection))
  return answers
}

/** Compares the cluster's records with what was sent. */
function createInspection(sent: ReadonlyMap<string, Sent>) {
  const faults: string[] = []
  const latest = new Map<string, number>()
  let records = 0
  const note = (fault: string): void => void (faults.length < 20 && faults.push(fault))

  function inspect({ topic, key, value }: ClusterRecord): void {
    records++
    const isRejected = topic.startsWith('rejected.')
    const schemaFault = recordFault(isRejected ? 'rejected' : 'event', value)
    if (schemaFault !== undefined) note(schemaFault)
    const record = JSON.parse(value) as Value
    const event = (isRejected ? record['event'] : record) as Value
    const id = String(event['messageId'])
    const one = sent.get(id)
    if (one === undefined) return note(`${topic} has ${id}, which was never sent`)
    if (!one.topics.has(topic)) note(`${topic} has ${id}, which belongs to ${[...one.topics].join()}`)
    const times = (one.found.get(topic) ?? 0) + 1
    one.found.set(topic, times)
    if (isRejected || times > 1) return
    if (key !== (event['userId'] ?? event['anonymousId'])) note(`${topic} has ${id} under the key ${key}`)
    const { n } = event['properties'] as { n: number }
    if (n < (latest.get(`${topic} ${key}`) ?? -1)) note(`${topic} has ${id} after a later event of its user`)
    latest.set(`${topic} ${key}`, n)
  }

  return {
    inspect,
    conclude() {
      let repeated = 0
      for (const [id, { topics, found }] of sent) {
        for (const topic of topics) if (!found.has(topic)) note(`${topic} lacks ${id}`)
        for (const times of found.values()) repeated += times - 1
      }
      return { faults, records, repeated }
    }
  }
}

async function run(t: Test, kafka: Kafka, publishTimeout: string, onHalf: () => void) {
  const env = {
    KAFKA_BROKERS: kafka.brokers.join(),
    KAFKA_PARTITIONS: '2',
    PUBLISH_TIMEOUT: publishTimeout,
    EVENTS_TOPIC: ROUTES.eventsTopic,
    REJECTED_TOPIC: ROUTES.rejectedTopic
  }
  const server = await startServer(t, { dir: ownFolder(t, { 'tributary.yml': CONFIG }), env })
  await server.ready()
  const sent = new Map<string, Sent>()
  const start = performance.now()
  const answers = await sendAll(server.url, sent, onHalf)
  const sendMs = performance.now() - start
  await server.drained()
  const drainMs = performance.now() - start - sendMs
  const { inspect, conclude } = createInspection(sent)
  const topics = await readCluster(kafka.brokers, inspect, READ_TIMEOUT_MS)
  const result = conclude()
  const figures = `${sent.size} events, ${result.records} records in ${topics.length} topics, ${result.repeated} repeated`
  t.comment(`${figures}; sent in ${Math.round(sendMs)} ms, drained after another ${Math.round(drainMs)} ms`, [
    ...answers
  ])
  const metrics = await readMetrics(server.adminUrl)
  const counted = (labels: Record<string, string>) => sumOf(metrics, 'tributary_destination_events_total', labels)
  const accepted = sumOf(metrics, 'tributary_events_total', { outcome: 'accepted' })
  t.equal(counted({ outcome: 'routed' }) + counted({ outcome: 'filtered' }), accepted * ROUTES.destinations.length)
  return { ...result, answers, topics, sent, server }
}

t.test('each event is in exactly the topics that the naive model predicts, once, and nowhere else', async t => {
  const kafka = await startKafka({})
  t.teardown(() => kafka.stop())
  // With long time-outs, so that a busy machine does not make the server spool: a spooled event may be stored twice.
  const { faults, repeated, topics, answers, sent } = await run(t, kafka, '10s', () => undefined)
  t.same(faults, [])
  t.equal(repeated, 0)
  t.same(
    [...answers.keys()].filter(status => status !== 200 && status !== 400),
    []
  )
  const predicted = new Set([...sent.values()].flatMap(({ topics }) => [...topics]))
  t.same(
    [...predicted].filter(topic => !topics.includes(topic)),
    []
  )
})

t.test(
  'if the broker hangs for 8 s in the middle, nothing is lost, nothing goes to a wrong topic, and each order is kept',
  async t => {
    const kafka = await startKafka({})
    t.teardown(() => kafka.stop())
    const { faults, answers, server } = await run(t, kafka, '750ms', () => {
      kafka.pause()
      setTimeout(() => kafka.resume(), HANG_MS)
    })
    t.same(faults, [])
    t.same(
      [...answers.keys()].filter(status => status !== 200 && status !== 400),
      [],
      'every answer is 200 or 400'
    )
    t.match(server.stderr, /has not confirmed within 750 ms/)
  }
)
