import { randomUUID } from 'node:crypto'
import t from 'tap'
import { post, startApp } from '../../support/app.ts'
import { deleteTopic, startKafka } from '../../support/kafka.ts'
import { until } from '../../support/until.ts'

interface Found {
  readonly events: readonly { readonly places: readonly object[] }[]
  readonly records: readonly { readonly value: string }[]
  readonly looks: readonly object[]
}

t.test('A messageId that is no longer in memory is found in the last hour of Kafka', async t => {
  const kafka = await startKafka()
  t.teardown(() => kafka.stop())
  const topic = `events-${randomUUID()}`
  const clock = { now: Date.now, monotonic: () => performance.now() }
  // On a slow machine, too, no event goes by way of the spool.
  const brokers = { KAFKA_BROKERS: kafka.brokers.join(','), PUBLISH_TIMEOUT: '1m' }
  const env = { ...brokers, EVENTS_TOPIC: topic, REJECTED_TOPIC: `${topic}-rejected` }
  const server = await startApp(t, { env, sink: 'configured', clock })
  await until(async () => (await (await fetch(`${server.adminUrl}/readyz`)).text()).includes('"ok"'), {
    what: '/readyz to report Kafka as reachable',
    timeoutMs: 30_000
  })
  const batch = Array.from({ length: 500 }, (_, i) => ({
    type: 'track',
    userId: `user-${i}`,
    event: `E${i}`,
    messageId: `m-${i}`
  }))
  t.equal((await post(`${server.url}/v1/batch`, { batch })).status, 200)
  const trace = async (id: string) => (await (await fetch(`${server.adminUrl}/api/trace/${id}`)).json()) as Found

  const known = await trace('m-321')
  t.match(
    known.events[0]?.places,
    [{ store: 'kafka', topic, partition: Number, offset: String }],
    'the event in memory has its place in Kafka'
  )

  await fetch(`${server.adminUrl}/api/events`, { method: 'DELETE' })
  const found = await trace('m-321')
  t.match(found.records, [{ place: known.events[0]?.places[0], at: Number }], 'the record is found at this place')
  t.match(JSON.parse(found.records[0]?.value ?? ''), { event: 'E321', messageId: 'm-321' })
  t.match(found.looks, [
    { place: 'memory', found: 0 },
    { place: 'log', found: 0, complete: true },
    { place: 'kafka', found: 1, complete: true }
  ])
  const never = await trace('never-sent')
  t.match(never, { events: [], records: [], looks: [{}, {}, { place: 'kafka', found: 0, complete: true }] })

  await deleteTopic(kafka.brokers, `${topic}-rejected`)
  const beside = await trace('m-321')
  t.match(
    beside.looks[2],
    { place: 'kafka', found: 1, complete: true },
    'a missing topic does not hide the other topics'
  )

  await kafka.kill()
  const without = await trace('never-sent')
  t.match(without.looks[2], { place: 'kafka', complete: false, problem: /refuses connections|does not answer/ })
})
