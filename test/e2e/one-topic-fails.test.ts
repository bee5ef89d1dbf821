import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { basic, post } from '../support/app.ts'
import { createTopic, deleteTopic, startKafka } from '../support/kafka.ts'
import { readTopic } from '../support/kafka-topics.ts'
import { startServer } from '../support/server-process.ts'
import { ownFolder } from '../support/own-folder.ts'

const TOPICS = ['all', 'to.first', 'to.second']
const USERS = 5
const CONFIG = `
sources: [{ id: web, writeKeys: [wk_test] }]
destinations: [{ name: First, topic: to.first }, { name: Second, topic: to.second }]
`

t.test('while one topic cannot be written, events are spooled, and reach all their topics in order', async t => {
  const kafka = await startKafka({})
  t.teardown(() => kafka.stop())
  for (const topic of [...TOPICS, 'tributary.rejected']) await createTopic(kafka.brokers, topic, { partitions: 2 })
  const env = { KAFKA_BROKERS: kafka.brokers.join(), EVENTS_TOPIC: 'all', KAFKA_CREATE_TOPICS: 'false' }
  const server = await startServer(t, { dir: ownFolder(t, { 'tributary.yml': CONFIG }), env })
  await server.ready()

  let sent = 0
  let running = true
  const statuses = new Set<number>()
  const traffic = async (_: unknown, user: number): Promise<void> => {
    for (let n = 0; running; n++) {
      const event = { userId: `u${user}`, event: 'e', messageId: `${user}-${n}` }
      statuses.add((await post(`${server.url}/v1/track`, event, { authorization: basic() })).status)
      sent++
      await sleep(5)
    }
  }
  const users = Promise.all(Array.from({ length: USERS }, traffic))
  await sleep(500)
  await deleteTopic(kafka.brokers, 'to.second')
  /** Events that may have been in the topic and were deleted with it. */
  const before = sent + USERS
  await sleep(3_000)
  t.match((await server.readyz()).text, /bytes wait in/)
  await createTopic(kafka.brokers, 'to.second', { partitions: 2 })
  await sleep(500)
  running = false
  await users
  await server.drained()

  t.same(statuses, new Set([200]), 'every answer is 200')
  for (const topic of TOPICS) {
    const latest = new Map<string, number>()
    const seen = new Set<string>()
    let disorder = 0
    const records = await readTopic(kafka.brokers, topic)
    for (const { headers } of records) {
      const id = headers['messageId'] ?? ''
      if (seen.has(id)) continue
      seen.add(id)
      const [user = '', n] = id.split('-')
      if (Number(n) < (latest.get(user) ?? -1)) disorder++
      latest.set(user, Number(n))
    }
    t.comment(`${topic} has ${records.length} records of ${sent} events`)
    if (topic === 'to.second')
      t.ok(seen.size >= sent - before, 'only events that were in the deleted topic are missing')
    else t.equal(seen.size, sent, topic)
    t.equal(disorder, 0, topic)
  }
})
