import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { readTopic, startKafka } from '../support/kafka.ts'
import { readMetrics, sumOf } from '../support/metrics.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { AUTHORIZATION, startServer } from '../support/server-process.ts'
import { until } from '../support/until.ts'

/** Longer than PUBLISH_TIMEOUT, and shorter than the part of SHUTDOWN_GRACE in which a stop waits for Kafka. */
const LATE_MS = 3_000

/**
 * Resolves when no lane is late. An event of a late lane is only on disk when it is accepted, and a stop does not wait for it;
 * on a slow machine, the first events make their lanes late.
 */
async function whenPunctual(server: ServerProcess): Promise<void> {
  const isPunctual = async (): Promise<boolean> => {
    await server.accepts(60_000)
    await server.drained()
    return sumOf(await readMetrics(server.adminUrl), 'tributary_late_lanes') === 0
  }
  await until(isPunctual, { what: 'all lanes to be punctual', timeoutMs: 60_000 })
}

t.test('events that Kafka confirms late to a server that stops are not sent again by the next start', async t => {
  const kafka = await startKafka({})
  t.teardown(() => kafka.stop())
  const env = { KAFKA_BROKERS: kafka.brokers.join(','), EVENTS_TOPIC: 'in-flight', SHUTDOWN_GRACE: '60s' }
  const server = await startServer(t, { env })
  await server.ready()
  await whenPunctual(server)
  kafka.pause()
  t.teardown(() => kafka.resume())
  const body = JSON.stringify({ userId: 'u', event: 'Sent', messageId: 'in-flight' })
  const headers = { 'content-type': 'application/json', authorization: AUTHORIZATION }
  const answer = await fetch(`${server.url}/v1/track`, { method: 'POST', headers, body })
  t.equal(answer.status, 200, 'the event is accepted')
  const stopped = server.kill('SIGTERM')
  await sleep(LATE_MS)
  kafka.resume()
  t.equal((await stopped).code, 0)
  await server.start()
  await server.drained()
  await server.accepts(60_000)
  const copies = (await readTopic(kafka.brokers, 'in-flight')).filter(({ value }) => value.includes('"in-flight"'))
  t.equal(copies.length, 1, 'the event is in Kafka once')
})
