/** Brokers that require a certificate from each client (`ssl.client.auth=required`). */
import { renameSync } from 'node:fs'
import { cp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { makeAuthority, type Issued } from '../support/clusters/authority.ts'
import { isSaid, startClusterSink } from '../support/clusters/cluster-sink.ts'
import { startKafkaTool } from '../support/clusters/kafka-tool.ts'
import { startSecureKafka } from '../support/clusters/secure-kafka.ts'
import { eventRecord } from '../support/kafka-sink.ts'
import { until } from '../support/until.ts'

const folder = t.testdir({})
const authority = await makeAuthority(folder)
const stranger = await makeAuthority(folder, 'stranger')
const kafka = await startSecureKafka({
  security: 'SSL',
  certificate: await authority.issue('broker'),
  clients: authority
})
t.teardown(() => kafka.stop())
const tool = await startKafkaTool(t, kafka.brokers)

function envOf({ cert, key }: Issued, more: Record<string, string> = {}): Record<string, string> {
  const brokers = kafka.secureBrokers.join(',')
  const names = { KAFKA_SSL_CERT: cert, KAFKA_SSL_KEY: key }
  return { KAFKA_BROKERS: brokers, KAFKA_SSL: 'true', KAFKA_SSL_CA: authority.ca, ...names, ...more }
}

t.test('events reach brokers that require a client certificate, with a plain and with an encrypted key', async t => {
  const plain = await authority.issue('plain')
  const encrypted = await authority.issue('encrypted', { passphrase: 'open sesame' })
  const secret = join(folder, 'passphrase')
  await writeFile(secret, 'open sesame\n')
  const ways: [string, Record<string, string>][] = [
    ['plain-key', envOf(plain)],
    ['encrypted-key', envOf(encrypted, { KAFKA_SSL_KEY_PASSPHRASE: 'open sesame' })],
    ['passphrase-file', envOf(encrypted, { KAFKA_SSL_KEY_PASSPHRASE_FILE: secret })]
  ]
  for (const [topic, env] of ways) {
    const { sink } = await startClusterSink(t, env, [topic]).ready()
    await sink.publish([eventRecord({ messageId: topic, topics: [topic] })])
    const read = await tool.read(topic)
    t.strictSame(
      read.map(({ headers }) => headers['messageId']),
      [topic]
    )
  }
})

t.test('if a certificate is missing, unknown or expired, the message names KAFKA_SSL_CERT', async t => {
  const { KAFKA_SSL_CERT: _cert, KAFKA_SSL_KEY: _key, ...without } = envOf(await authority.issue('any'))
  const words =
    /(refuses the client certificate, or got none|wants a client certificate): set KAFKA_SSL_CERT and KAFKA_SSL_KEY/
  await isSaid(t, without, words)
  await isSaid(t, envOf(await stranger.issue('other')), words)
  await isSaid(t, envOf(await authority.issue('expired', { expired: true })), /KAFKA_SSL_CERT/)
})

t.test('a certificate that was replaced in its file is used for the next connection, without a restart', async t => {
  const topic = 'replaced'
  const [cert, key] = [join(folder, 'live.pem'), join(folder, 'live.key')]
  const replace = async (by: Issued): Promise<void> => {
    for (const [from, to] of [
      [by.key, key],
      [by.cert, cert]
    ] as const) {
      await cp(from, `${to}.new`)
      renameSync(`${to}.new`, to)
    }
  }
  await replace(await stranger.issue('first'))
  const watched = startClusterSink(t, envOf({ cert, key, store: '' }), [topic])
  const refused = (): boolean => /refuses the client certificate/.test(watched.sink.health().problems[0] ?? '')
  const seen = (): string => watched.sink.health().problems.join('; ')
  await until(refused, { what: 'the first certificate to be refused', timeoutMs: 30_000, seen })
  await replace(await authority.issue('second'))
  const { sink } = await watched.ready()
  await sink.publish([eventRecord({ messageId: 'a', topics: [topic] })])
  t.equal((await tool.read(topic)).length, 1)
  t.match(
    watched.logged.join('\n'),
    /KAFKA_SSL_CA and KAFKA_SSL_CERT and KAFKA_SSL_KEY: what the files hold now is in force/
  )
})
