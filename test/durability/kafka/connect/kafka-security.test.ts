import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import type { KafkaSinkOptions } from '../../../../src/durability/kafka/options.ts'
import { inspectKafka } from '../../../../src/durability/kafka/topics/inspect.ts'
import { eventRecord, readySink, startSink } from '../../../support/kafka-sink.ts'
import { readTopic, startKafka } from '../../../support/kafka.ts'
import { until } from '../../../support/until.ts'

const folder = t.testdir({})
const keystore = join(folder, 'broker.p12')
const run = promisify(execFile)
const store = ['-keystore', keystore, '-storetype', 'PKCS12', '-storepass', 'changeit', '-alias', 'broker']
const names = ['-dname', 'CN=broker', '-ext', 'SAN=ip:127.0.0.1,dns:localhost', '-validity', '30', '-keyalg', 'RSA']
await run('keytool', ['-genkeypair', ...store, ...names])
await run('keytool', ['-exportcert', '-rfc', ...store, '-file', join(folder, 'broker.pem')])
const ca = await readFile(join(folder, 'broker.pem'), 'utf8')

const kafka = await startKafka({
  security: 'SASL_SSL',
  format: ['--add-scram', 'SCRAM-SHA-512=[name=alice,password=wonderland]'],
  properties: {
    'ssl.keystore.type': 'PKCS12',
    'ssl.keystore.location': keystore,
    'ssl.keystore.password': 'changeit',
    'ssl.key.password': 'changeit',
    'listener.name.secure.sasl.enabled.mechanisms': 'SCRAM-SHA-512,PLAIN',
    'listener.name.secure.scram-sha-512.sasl.jaas.config':
      'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    'listener.name.secure.plain.sasl.jaas.config':
      'org.apache.kafka.common.security.plain.PlainLoginModule required user_bob="builder";'
  }
})
t.teardown(() => kafka.stop())
const port = Number(kafka.secureBrokers[0]?.split(':')[1])

const scram = { mechanism: 'SCRAM-SHA-512', username: 'alice', password: 'wonderland' } as const
const plain = { mechanism: 'PLAIN', username: 'bob', password: 'builder' } as const

for (const [sasl, host] of [
  [scram, '127.0.0.1'],
  [plain, 'localhost']
] as const) {
  t.test(`publishes over TLS with ${sasl.mechanism} to ${host}`, async t => {
    const topic = `secure-${sasl.mechanism}`
    const { sink } = await readySink(t, [`${host}:${port}`], { wanted: [topic], ssl: { ca }, sasl })
    await sink.publish([eventRecord({ messageId: 'a', topics: [topic] })])
    t.equal((await readTopic(kafka.brokers, topic, { count: 1 })).length, 1)
  })
}

async function problemOf(t: Test, options: Partial<KafkaSinkOptions>, brokers = kafka.secureBrokers): Promise<string> {
  const { sink, logged } = startSink(t, brokers, options)
  await until(() => !/not connected yet/.test(sink.health().problems[0] ?? ''), {
    what: 'the sink to report the problem'
  })
  const { ready, problems } = sink.health()
  t.equal(ready, false)
  t.notMatch(JSON.stringify([problems, logged]), /wonderland|wrong-secret/, 'no password is in the problems or the log')
  await t.rejects(sink.publish([eventRecord({ messageId: 'a', topics: ['x'] })]), { code: 'SINK_UNAVAILABLE' })
  return problems[0] ?? ''
}

t.test('a wrong password names the variables to check', async t => {
  const sasl = { ...scram, password: 'wrong-secret' }
  t.match(await problemOf(t, { ssl: { ca }, sasl }), /check KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD/)
  const bob = { ...plain, password: 'wrong-secret' }
  t.match(await problemOf(t, { ssl: { ca }, sasl: bob }), /check KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD/)
})

t.test('a look-up that connects first names the variables of a wrong password, and the mechanism', async t => {
  const settings = { brokers: kafka.secureBrokers, clientId: 'look-up', ssl: { ca } }
  const bob = { ...plain, password: 'wrong-secret' }
  const refusal = /check KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD/
  await t.rejects(inspectKafka({ ...settings, sasl: bob }, ['x']), { message: refusal })
  await t.rejects(inspectKafka({ ...settings, sasl: { ...scram, password: 'wrong-secret' } }, ['x']), {
    message: refusal
  })
  const sasl = { ...scram, mechanism: 'SCRAM-SHA-256' } as const
  await t.rejects(inspectKafka({ ...settings, sasl }, ['x']), { message: /check KAFKA_SASL_MECHANISM/ })
})

t.test('a mechanism that the broker does not offer names KAFKA_SASL_MECHANISM', async t => {
  const sasl = { ...scram, mechanism: 'SCRAM-SHA-256' } as const
  t.match(await problemOf(t, { ssl: { ca }, sasl }), /KAFKA_SASL_MECHANISM/)
})

t.test('an untrusted certificate names KAFKA_SSL_CA', async t => {
  t.match(await problemOf(t, { ssl: {}, sasl: scram }), /KAFKA_SSL_CA/)
})

t.test('a connection without TLS to a broker with TLS, and the reverse, name KAFKA_SSL', async t => {
  t.match(await problemOf(t, { sasl: scram }), /KAFKA_SSL/)
  t.match(await problemOf(t, { ssl: { ca } }, kafka.brokers), /KAFKA_SSL/)
})

t.test('a missing user names KAFKA_SASL_MECHANISM if the broker requires one', async t => {
  t.match(await problemOf(t, { ssl: { ca } }), /KAFKA_SASL_MECHANISM/)
})

t.test('a host name that does not resolve names KAFKA_BROKERS', async t => {
  t.match(await problemOf(t, {}, ['no-such-host.invalid:9092']), /does not resolve: check KAFKA_BROKERS/)
})
