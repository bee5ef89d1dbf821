import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'
import { Kafka as Client, logLevel } from 'kafkajs'
import t from 'tap'
import { choose } from '../support/faults.ts'
import { createTopic, deleteTopic, readTopic, startKafka } from '../support/kafka.ts'
import { startServer } from '../support/server-process.ts'
import { assertComplete, p99Of, startTypedLoad, TYPES, USERS_OF_A_TYPE, type Type } from '../support/typed-load.ts'
import { until } from '../support/until.ts'
import { idsInFolder } from '../support/verdict.ts'

const MISSING: Type = 'alias'
const FORBIDDEN: Type = 'group'
const IN_TIME_MS = choose(250, 50)
/** In the short form, other work may keep the broker and the server from answering in time. */
const PUBLISH_TIMEOUT = choose('3s', '750ms')

const kafka = await startKafka({
  properties: {
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'allow.everyone.if.no.acl.found': 'true'
  }
})
t.teardown(() => kafka.stop())

async function forbid(topic: string, isForbidden: boolean): Promise<void> {
  const admin = new Client({ brokers: kafka.brokers, logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  const rule = { resourceType: 2, resourceName: topic, resourcePatternType: 3, principal: 'User:ANONYMOUS', host: '*' }
  const acl = { ...rule, operation: 4, permissionType: 2 }
  if (isForbidden) await admin.createAcls({ acl: [acl] })
  else await admin.deleteAcls({ filters: [acl] })
  await admin.disconnect()
}

t.test(
  'one topic is missing and one is forbidden: the others do not wait and use no log, and these two are complete and in order once repaired',
  async t => {
    for (const type of TYPES) await createTopic(kafka.brokers, `parts.${type}`, { partitions: 3 })
    const topics = { EVENTS_TOPIC: 'parts.{type}', REJECTED_TOPIC: 'parts.track', KAFKA_CREATE_TOPICS: 'false' }
    const env = { KAFKA_BROKERS: kafka.brokers.join(','), PUBLISH_TIMEOUT, ...topics }
    const server = await startServer(t, { env })
    await server.ready()
    await forbid(`parts.${FORBIDDEN}`, true)
    await deleteTopic(kafka.brokers, `parts.${MISSING}`)
    const load = startTypedLoad(t, server.url)
    await sleep(choose(8_000, 30_000))
    const spooled = idsInFolder(join(server.dataDir, 'spool'))
    const { text } = await server.readyz()
    const during = load.acked()

    const good: readonly Type[] = TYPES.filter(type => type !== MISSING && type !== FORBIDDEN)
    const isBad = (id: string): boolean => id.startsWith(MISSING) || id.startsWith(FORBIDDEN)
    t.strictSame(
      spooled.filter(id => !isBad(id)),
      [],
      'the log contains only events of the two broken topics'
    )
    t.ok(spooled.some(id => id.startsWith(MISSING)) && spooled.some(id => id.startsWith(FORBIDDEN)))
    const p99 = p99Of(during.slice(during.length / 3).filter(({ type }) => good.includes(type)))
    t.ok(p99 < IN_TIME_MS, `99 % of the events of other topics were answered within ${Math.round(p99)} ms`)
    t.match(text, new RegExp(`topic parts.${MISSING}: it does not exist`))
    t.match(text, new RegExp(`topic parts.${FORBIDDEN}[,:] [^"]*ACLs`))

    await createTopic(kafka.brokers, `parts.${MISSING}`, { partitions: 3 })
    await forbid(`parts.${FORBIDDEN}`, false)
    await until(async () => (await server.backlogBytes()) === 0, { what: 'the log to be empty', timeoutMs: 30_000 })
    await load.stop()
    await server.drained()
    t.strictSame(load.statuses(), [200])
    for (const type of TYPES) await assertComplete(t, load, { type, brokers: kafka.brokers, topic: `parts.${type}` })
  }
)

t.test('a deleted topic is not created again before KAFKA_RECREATE_AFTER, and its owner can create it', async t => {
  const topic = 'parts.deleted'
  await createTopic(kafka.brokers, topic, { partitions: 2 })
  const server = await startServer(t, {
    env: { KAFKA_BROKERS: kafka.brokers.join(','), EVENTS_TOPIC: topic, REJECTED_TOPIC: 'parts.track' }
  })
  await server.ready()
  const load = startTypedLoad(t, server.url)
  await sleep(1_000)
  const admin = new Client({ brokers: kafka.brokers, logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  t.teardown(() => admin.disconnect())
  await admin.deleteTopics({ topics: [topic] })
  const deleted = load.acked().length
  await until(async () => (await server.readyz()).text.includes('KAFKA_RECREATE_AFTER'), {
    what: 'readyz to name KAFKA_RECREATE_AFTER'
  })
  await sleep(2_000)
  await createTopic(kafka.brokers, topic, { partitions: 4 })
  await until(async () => (await server.backlogBytes()) === 0, { what: 'the log to be empty', timeoutMs: 20_000 })
  await load.stop()
  await server.drained()
  const ids = new Set((await readTopic(kafka.brokers, topic)).map(({ headers }) => headers['messageId'] ?? ''))
  // Records that Kafka had confirmed before were deleted with the topic.
  const missing = load
    .acked()
    .slice(deleted + TYPES.length * USERS_OF_A_TYPE)
    .filter(({ id }) => !ids.has(id))
  t.strictSame(missing, [], 'every event that was accepted after the deletion is in the topic')
  t.strictSame(load.statuses(), [200])
})

t.end()
