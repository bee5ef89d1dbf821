import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka as Client, logLevel } from 'kafkajs'
import type { Test } from 'tap'
import t from 'tap'
import { createTopic, readTopic, startKafka } from '../support/kafka.ts'
import { freePort } from '../support/kafka-process.ts'
import { createServerProcess, startServer } from '../support/server-process.ts'
import { logged, readOperatorView } from '../support/operator-view.ts'
import { until } from '../support/until.ts'
import { startWithoutApi } from '../support/without-api.ts'

const DESCRIBE_CONFIGS = 32
const MAX_CONNECTIONS = 20
const WORDS = 'closes each new connection at once'

/**
 * Opens connections until the broker accepts no more, and keeps them open. The returned function closes this many of
 * them.
 */
async function useUp(t: Test, port: number): Promise<(count: number) => void> {
  const held: Socket[] = []
  t.teardown(() => held.forEach(socket => socket.destroy()))
  for (let isFull = false; !isFull;) {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined)
    await once(socket, 'connect')
    isFull = await Promise.race([once(socket, 'close').then(() => true), sleep(300, false)])
    if (!isFull) held.push(socket)
    if (held.length > MAX_CONNECTIONS) throw new Error('the broker has no limit')
  }
  return count => held.splice(0, count).forEach(socket => socket.destroy())
}

t.test(
  "the broker's limit on connections is used up: readyz, log, banner and doctor name the limit, and the problem ends without a restart",
  async t => {
    const kafka = await startKafka({ properties: { 'max.connections.per.ip': String(MAX_CONNECTIONS) } })
    t.teardown(() => kafka.stop())
    await createTopic(kafka.brokers, 'limits', { partitions: 1 })
    const giveBack = await useUp(t, Number(kafka.brokers[0]?.split(':')[1]))
    const env = { KAFKA_BROKERS: kafka.brokers.join(','), EVENTS_TOPIC: 'limits', REJECTED_TOPIC: 'limits' }
    const server = await startServer(t, { env })
    const isNamed = async (): Promise<boolean> => (await server.readyz()).text.includes(WORDS)
    await until(isNamed, { what: 'readyz to name the limit', timeoutMs: 30_000 })
    for (const [place, text] of Object.entries(await readOperatorView(server, env)))
      t.match(text, WORDS, `${place} names the limit`)
    await server.accepts(30_000)
    const lines = logged(server).filter(line => line.includes('Kafka ('))
    t.strictSame(
      lines.map(line => line.includes(WORDS)),
      [true],
      `the log names the limit once: ${lines.join('; ')}`
    )

    // Enough for the first connection of a server, and not for all.
    giveBack(1)
    await sleep(3_000)
    giveBack(MAX_CONNECTIONS)
    await server.drained()
    await until(async () => !(await isNamed()), { what: 'readyz to stop naming the limit', timeoutMs: 30_000 })
    t.equal((await readTopic(kafka.brokers, 'limits', { count: 1 })).length, 1, 'the accepted event is in Kafka')
  }
)

t.test(
  'a user who may not describe the configuration of topics causes no problem at the start and in doctor',
  async t => {
    const kafka = await startKafka({
      properties: {
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        'allow.everyone.if.no.acl.found': 'true'
      }
    })
    t.teardown(() => kafka.stop())
    const admin = new Client({ brokers: kafka.brokers, logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    const everyone = { principal: 'User:ANONYMOUS', host: '*' }
    const ofTopics = { resourceType: 2, resourceName: 'rights', resourcePatternType: 3, ...everyone }
    const DESCRIBE = 10
    await admin.createAcls({
      acl: [
        { ...ofTopics, operation: DESCRIBE, permissionType: 2 },
        { ...ofTopics, operation: 2, permissionType: 3 }
      ]
    })
    await admin.disconnect()
    await isFine(t, kafka.brokers, 'rights')
  }
)

t.test('a broker without DescribeConfigs causes no problem at the start and in doctor', async t => {
  const [port, near] = [await freePort(), await freePort()]
  await startWithoutApi(t, { port: near, to: () => port, api: DESCRIBE_CONFIGS })
  const kafka = await startKafka({
    port,
    properties: { 'advertised.listeners': `PLAINTEXT://127.0.0.1:${near}` }
  })
  t.teardown(() => kafka.stop())
  await isFine(t, [`127.0.0.1:${near}`], 'rights')
})

async function isFine(t: Test, brokers: string[], topic: string): Promise<void> {
  const env = { KAFKA_BROKERS: brokers.join(','), EVENTS_TOPIC: topic, REJECTED_TOPIC: topic }
  const server = await createServerProcess(t, { env })
  await server.start()
  await server.ready()
  await server.accepts()
  await server.drained()
  const shown = await readOperatorView(server, env)
  t.match(shown.readyz, /"problems":\[\]/)
  t.notMatch(shown.doctor, /✗ (Kafka|topics|server)/)
  t.match(shown.doctor, /the configuration of this topic cannot be read/)
  t.notMatch(shown.doctor, /min\.insync\.replicas is/, 'doctor claims nothing about a setting that it cannot read')
  t.strictSame(
    logged(server).filter(line => line.includes('Kafka')),
    []
  )
}

t.end()
