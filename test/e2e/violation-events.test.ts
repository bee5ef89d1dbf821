/** Violation events in a real Kafka, including those that waited on disk while the server was killed. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { postUntilTaken } from '../support/app.ts'
import { readTopic, startKafka } from '../support/kafka.ts'
import { ownFolder } from '../support/own-folder.ts'
import { recordFault } from '../support/record-schemas.ts'
import { AUTHORIZATION, SOURCES, startServer } from '../support/server-process.ts'
import { until } from '../support/until.ts'

const TOPICS = { events: 'all', rejected: 'bad', ads: 'ads', violations: 'violations' }
const PLAN = { name: 'Shop', rules: [{ type: 'track', event: 'Order', schema: {} }] }

const kafka = await startKafka({})
t.teardown(() => kafka.stop())

const idOf = ({ value }: { readonly value: string }): string =>
  (JSON.parse(value) as { properties: { eventMessageID: string } }).properties.eventMessageID

t.test('Violations reach only their own topic, over an outage of Kafka and kill -9 of the server', async t => {
  const dir = ownFolder(t)
  const config = `${SOURCES}destinations: [{ name: Ads, topic: ${TOPICS.ads} }]\nplan: { file: plan.json }\n`
  writeFileSync(join(dir, 'tributary.yml'), config)
  writeFileSync(join(dir, 'plan.json'), JSON.stringify(PLAN))
  const env = { EVENTS_TOPIC: TOPICS.events, REJECTED_TOPIC: TOPICS.rejected, VIOLATIONS_TOPIC: TOPICS.violations }
  // First without Kafka: this event's violation waits in its own folder.
  const server = await startServer(t, { dir, env })
  const sent: string[] = []
  const send = async (): Promise<void> => {
    const messageId = `m-${sent.length}`
    const body = { userId: 'ann', event: 'Unplanned', messageId, properties: { n: 1 }, integrations: { All: true } }
    t.equal((await postUntilTaken(`${server.url}/v1/track`, body, { authorization: AUTHORIZATION })).status, 200)
    sent.push(messageId)
  }
  /** The events whose violations are in a folder. */
  const keptIn = (folder: string): string[] => {
    const path = join(server.dataDir, folder)
    const files = readdirSync(path).filter(name => name.endsWith('.ndjson'))
    const lines = files.flatMap(name => readFileSync(join(path, name), 'utf8').split('\n'))
    return lines
      .filter(line => line.endsWith('}') && line.includes('Violation Generated'))
      .map(value => idOf({ value }))
  }
  const untilKept = (folder: string, ids: readonly string[]) =>
    until(() => ids.every(id => keptIn(folder).includes(id)), {
      what: `violations of ${ids.join()} in ${folder}/`,
      timeoutMs: 60_000
    })
  await send()
  await untilKept('violations', sent)
  await server.kill('SIGTERM')
  await server.start({ env: { KAFKA_BROKERS: kafka.brokers.join() } })
  await server.ready()
  await send()
  await readTopic(kafka.brokers, TOPICS.violations, { count: 2, timeoutMs: 60_000 })
  await kafka.kill()
  for (let n = 0; n < 3; n++) await send()
  await untilKept('spool', sent.slice(2))
  await server.kill()
  await kafka.restart()
  await server.start()
  await server.drained(120_000)

  const read = async (topic: string) => readTopic(kafka.brokers, topic, { count: sent.length, timeoutMs: 60_000 })
  const violations = await read(TOPICS.violations)
  t.strictSame([...new Set(violations.map(idOf))].toSorted(), sent, 'there is a violation event for each event')
  for (const { value, key, headers } of violations) {
    t.equal(recordFault('violation', value), undefined)
    t.match(
      { key, headers },
      { key: 'schema-violations', headers: { type: 'track', source: 'web', messageId: /^sch-/ } }
    )
  }
  for (const topic of [TOPICS.events, TOPICS.ads]) {
    const records = await read(topic)
    const ids = records.map(({ value }) => (JSON.parse(value) as { messageId: string }).messageId)
    t.strictSame([...new Set(ids)].toSorted(), sent, `${topic} has all events`)
    t.notMatch(records.map(({ value }) => value).join(''), /Violation Generated/, `${topic} has no violation event`)
  }
  t.strictSame(await readTopic(kafka.brokers, TOPICS.rejected), [])
})
