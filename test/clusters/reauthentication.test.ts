/**
 * Brokers that require authentication again at intervals (`connections.max.reauth.ms`), and passwords that change in
 * between.
 */
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { isSinkUnavailable } from '../../src/model/sink.ts'
import { startClusterSink } from '../support/clusters/cluster-sink.ts'
import { startKafkaTool } from '../support/clusters/kafka-tool.ts'
import { MECHANISMS, scramUser, startSecureKafka } from '../support/clusters/secure-kafka.ts'
import { eventRecord } from '../support/kafka-sink.ts'
import { until } from '../support/until.ts'

const SCRAM = ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const
const folder = t.testdir({})
const kafka = await startSecureKafka({
  security: 'SASL_PLAINTEXT',
  mechanisms: MECHANISMS,
  format: SCRAM.flatMap(mechanism => scramUser(mechanism, 'alice', 'wonderland')),
  properties: Object.fromEntries(
    Object.keys(MECHANISMS).map(name => [
      `listener.name.secure.${name.toLowerCase()}.connections.max.reauth.ms`,
      '2000'
    ])
  )
})
t.teardown(() => kafka.stop())
const tool = await startKafkaTool(t, kafka.brokers)

for (const mechanism of [...SCRAM, 'PLAIN'] as const) {
  const isScram = mechanism !== 'PLAIN'
  t.test(`${mechanism}: events flow over re-authentications${isScram ? ' and a changed password' : ''}`, async t => {
    const topic = `reauth-${mechanism}`
    const file = join(folder, topic)
    writeFileSync(file, isScram ? 'wonderland\n' : 'builder\n')
    const env = {
      KAFKA_BROKERS: kafka.secureBrokers.join(','),
      KAFKA_SASL_MECHANISM: mechanism,
      KAFKA_SASL_USERNAME: isScram ? 'alice' : 'bob',
      KAFKA_SASL_PASSWORD_FILE: file
    }
    const { sink, logged } = await startClusterSink(t, env, [topic]).ready()
    const sent: string[] = []
    let number = 0
    let isChanging = false
    const publishFor = async (milliseconds: number): Promise<void> => {
      const end = performance.now() + milliseconds
      while (performance.now() < end) {
        const messageId = String(++number)
        try {
          await sink.publish([eventRecord({ messageId, topics: [topic] })])
          sent.push(messageId)
        } catch (error) {
          // Kafka has the new password and the file does not yet. The server spools the events of this time.
          if (!isChanging || !isSinkUnavailable(error)) throw error
          await sleep(20)
        }
      }
    }
    await publishFor(2_500)
    if (isScram) {
      isChanging = true
      await tool.setScramPassword('alice', mechanism, `looking-glass-${mechanism}`)
      writeFileSync(`${file}.new`, `looking-glass-${mechanism}\n`)
      renameSync(`${file}.new`, file)
      const isTaken = (): boolean => /what the files hold now is in force/.test(logged.join(' '))
      await until(() => publishFor(100).then(isTaken), { what: 'the new password to be in force' })
      await until(() => publishFor(100).then(() => sink.health().ready), {
        what: 'the sink to be ready',
        timeoutMs: 30_000
      })
      isChanging = false
      await publishFor(2_500)
    }
    const read = (await tool.read(topic)).map(({ headers }) => headers['messageId'])
    const stored = new Set(read)
    t.strictSame(
      sent.filter(id => !stored.has(id)),
      [],
      'no event is missing'
    )
    t.equal(stored.size, read.length, 'no event is stored twice')
    t.ok(sent.length > 100, `${sent.length} events were sent`)
  })
}
