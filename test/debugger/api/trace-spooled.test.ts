import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { post } from '../../support/app.ts'
import { testFleet } from '../../support/fleet.ts'
import { startKafka } from '../../support/kafka.ts'
import { AUTHORIZATION, startServer, type ServerProcess } from '../../support/server-process.ts'
import { until } from '../../support/until.ts'
import { allWorkersUp } from '../../support/workers.ts'

interface Found {
  readonly events: readonly {
    readonly places: readonly object[]
    readonly journey: readonly { readonly says: string }[]
  }[]
  readonly looks: readonly object[]
  readonly records: readonly { readonly place: { readonly store: string }; readonly value: string }[]
}

const kafka = await startKafka({ heap: '320m' })
t.teardown(() => kafka.stop())
const SLOW = { KAFKA_BROKERS: kafka.brokers.join(','), PUBLISH_TIMEOUT: '500ms' }

async function trace({ adminUrl }: ServerProcess, id: string): Promise<Found> {
  return (await (await fetch(`${adminUrl}/api/trace/${id}`)).json()) as Found
}

interface Journey {
  readonly taker: ServerProcess
  readonly asked: ServerProcess
  readonly topic: string
  /** The folder of a spool, in the data folder of `taker`. */
  readonly spool: string
  readonly settle?: () => Promise<void>
}

/** Sends an event to `taker` while Kafka hangs, and looks for it through `asked`, before and after Kafka has it, and when it is forgotten. */
async function checkJourney(t: Test, { taker, asked, topic, spool, ...rest }: Journey): Promise<void> {
  const id = `spooled-${topic}`
  const event = { userId: 'u', event: 'E', messageId: id }
  kafka.pause()
  try {
    const { status } = await post(`${taker.url}/v1/track`, event, { authorization: AUTHORIZATION })
    t.equal(status, 200, 'the event is accepted while Kafka hangs')
    const before = await trace(asked, id)
    t.match(before.events, [{ places: [{ store: 'spool' }] }], 'memory knows that the event was spooled')
    t.match(
      before.records,
      [{ place: { store: 'spool', file: /\bspool\// } }],
      'the record is on disk as long as it waits'
    )
  } finally {
    kafka.resume()
  }
  await taker.drained()
  await rest.settle?.()
  // The backlog of several processes and the offsets of Kafka are not read at one moment.
  let after = await trace(asked, id)
  const isFound = async (): Promise<boolean> => {
    after = await trace(asked, id)
    return after.records[0]?.place.store === 'kafka'
  }
  const seen = (): string => JSON.stringify(after.looks)
  await until(isFound, { what: 'the record to be found in Kafka', timeoutMs: 30_000, seen })
  const [stored, ...others] = after.records.map(({ place }) => place)
  t.match(
    stored,
    { store: 'kafka', topic, partition: Number, offset: String },
    'the record is in Kafka when it has been delivered'
  )
  t.ok(
    others.every(({ store }) => store === 'spool'),
    'besides, the disk may have its line until the segment is deleted'
  )
  t.match(JSON.parse(after.records[0]?.value ?? '{}'), { messageId: id }, 'the record is that of the event')
  t.equal(after.events.length, 1, 'the event is listed once')
  const words = after.events[0]?.journey.map(({ says }) => says).join() ?? ''
  t.match(
    words,
    /the spool: Kafka gets it from there, or has it already/,
    'the journey says how the event was stored, and not where it is now'
  )

  // A retry is known as a duplicate to the process that it reaches.
  const own = { authorization: AUTHORIZATION, connection: 'close' }
  for (const server of [taker, asked, taker, asked, taker, asked]) {
    t.equal((await post(`${server.url}/v1/track`, event, own)).status, 200, 'a retry is accepted')
  }
  const again = await trace(asked, id)
  t.match(again.records[0], { place: stored }, 'a process that knows the event as a duplicate finds its record, too')

  for (const { adminUrl } of [taker, asked]) await fetch(`${adminUrl}/api/events`, { method: 'DELETE' })
  // A segment of the spool stays until all of its lines are delivered.
  writeFileSync(join(taker.dataDir, spool, '20261101T000000Z-90000001.ndjson'), `${again.records[0]?.value}\n`)
  const later = await trace(asked, id)
  t.strictSame(later.events, [], 'no process remembers the event')
  const places = later.records.map(({ place }) => place)
  t.match(places[0], stored, 'its place in Kafka is found although its line is still on disk')
  t.ok(
    places.some(({ store }) => store === 'spool'),
    'the line on disk is found, too',
    { places }
  )
}

t.test(
  'a spooled event is found where it is, remembered or not: on disk while it waits, and in Kafka when it has been delivered',
  async t => {
    const server = await startServer(t, { env: { ...SLOW, EVENTS_TOPIC: 'alone' } })
    await server.ready()
    await checkJourney(t, { taker: server, asked: server, topic: 'alone', spool: 'spool' })
  }
)

t.test('so it is with workers, whichever of them has it', async t => {
  const server = await startServer(t, { env: { ...SLOW, EVENTS_TOPIC: 'workers', WORKERS: '2' } })
  await server.ready(60_000)
  await allWorkersUp(server, 2)
  await checkJourney(t, { taker: server, asked: server, topic: 'workers', spool: 'worker-0/spool' })
})

t.test('so it is in a fleet, when another server is asked', async t => {
  const fleet = testFleet(t, kafka.brokers, { ...SLOW, EVENTS_TOPIC: 'fleet' })
  const taker = await fleet.server('taker')
  const asked = await fleet.server('asked')
  await taker.start()
  await asked.start()
  await Promise.all([taker.ready(), asked.ready()])
  // A server is away for the others while its heartbeats do not arrive.
  const isWhole = async (): Promise<boolean> => {
    const state = (await (await fetch(`${asked.adminUrl}/api/fleet`)).json()) as { inForce: { have: number } }
    return state.inForce.have === 2
  }
  const settle = () => until(isWhole, { what: 'the configuration to be in force on both servers', timeoutMs: 30_000 })
  await settle()
  await checkJourney(t, { taker, asked, topic: 'fleet', spool: 'spool', settle })
})
