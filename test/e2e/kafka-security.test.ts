/** The whole server with a Kafka that refuses it: the server accepts events, and says what to check. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import kafkajs from 'kafkajs'
import t from 'tap'
import type { Test } from 'tap'
import { createTopic, readTopic, startKafka } from '../support/kafka.ts'
import { AUTHORIZATION, startServer } from '../support/server-process.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { until } from '../support/until.ts'
import { ownFolder } from '../support/own-folder.ts'

const folder = ownFolder(t)

/** A key store with a certificate that signs itself, and the certificate as a PEM file. */
function makeStore(name: string): { readonly store: string; readonly pem: string } {
  const [keystore, pem] = [join(folder, `${name}.p12`), join(folder, `${name}.pem`)]
  const store = ['-keystore', keystore, '-storetype', 'PKCS12', '-storepass', 'changeit', '-alias', name]
  const names = ['-dname', `CN=${name}`, '-ext', 'SAN=ip:127.0.0.1', '-validity', '30', '-keyalg', 'EC']
  execFileSync('keytool', ['-genkeypair', ...store, ...names], { stdio: 'ignore' })
  execFileSync('keytool', ['-exportcert', '-rfc', ...store, '-file', pem], { stdio: 'ignore' })
  return { store: keystore, pem }
}

const [broker, stranger] = [makeStore('broker'), makeStore('stranger')]
const kafka = await startKafka({
  security: 'SASL_SSL',
  format: ['--add-scram', 'SCRAM-SHA-512=[name=alice,password=wonderland]'],
  properties: {
    'ssl.keystore.type': 'PKCS12',
    'ssl.keystore.location': broker.store,
    'ssl.keystore.password': 'changeit',
    'ssl.key.password': 'changeit',
    'listener.name.secure.sasl.enabled.mechanisms': 'SCRAM-SHA-512',
    'listener.name.secure.scram-sha-512.sasl.jaas.config':
      'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': 'User:ANONYMOUS'
  }
})
t.teardown(() => kafka.stop())
const TOPICS = ['tributary.events', 'tributary.rejected']
for (const topic of TOPICS) await createTopic(kafka.brokers, topic, { partitions: 2 })

const admin = new kafkajs.Kafka({ brokers: kafka.brokers, logLevel: kafkajs.logLevel.NOTHING }).admin()
await admin.connect()
t.teardown(() => admin.disconnect())
const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs
const mayWrite = (resourceName: string) => ({
  resourceType: AclResourceTypes.TOPIC,
  resourceName,
  resourcePatternType: ResourcePatternTypes.LITERAL,
  principal: 'User:alice',
  host: '*',
  operation: AclOperationTypes.ALL,
  permissionType: AclPermissionTypes.ALLOW
})
const grant = () => admin.createAcls({ acl: TOPICS.map(mayWrite) })
const revoke = () => admin.deleteAcls({ filters: TOPICS.map(mayWrite) })
await grant()

const GOOD = {
  KAFKA_BROKERS: kafka.secureBrokers.join(),
  KAFKA_SSL: 'true',
  KAFKA_SSL_CA: broker.pem,
  KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
  KAFKA_SASL_USERNAME: 'alice',
  KAFKA_SASL_PASSWORD: 'wonderland',
  PUBLISH_TIMEOUT: '300ms'
}

async function send({ url }: ServerProcess, messageId: string): Promise<number> {
  const headers = { authorization: AUTHORIZATION, 'content-type': 'application/json' }
  const body = JSON.stringify({ userId: 'u', event: 'e', messageId })
  return (await fetch(`${url}/v1/track`, { method: 'POST', headers, body })).status
}

/**
 * Events are accepted and stored, /readyz is degraded and gives the reason in one line, and so does the log. No output
 * has a password.
 */
async function isDegraded(t: Test, server: ServerProcess, id: string, words: RegExp): Promise<void> {
  await server.ready()
  let problems: string[] = []
  // A revoked right stays valid at the broker for a moment. Events are sent until it is missing.
  let sent = 0
  const degraded = async (): Promise<boolean> => {
    t.equal(await send(server, `${id}-${sent++}`), 200, 'the event is accepted')
    const { status, text } = await server.readyz()
    const body = JSON.parse(text) as { status: string; problems: string[] }
    problems = body.problems
    return status === 200 && body.status === 'degraded' && problems.some(problem => words.test(problem))
  }
  await until(degraded, { what: `/readyz to contain ${words}`, timeoutMs: 20_000 }).catch(() => undefined)
  t.match(problems.join(' | '), words)
  t.equal(await send(server, id), 200, 'the event is still accepted')
  for (const problem of problems) t.notMatch(problem, /\n|\s{4}at /, 'the problem is one line')
  const logged = server.stderr.split('\n').filter(line => words.test(line))
  t.ok(logged.length > 0, 'the log names the problem')
  t.notMatch(server.stderr, /\\n\s+at /, 'the log has no stack trace')
  t.notMatch(
    server.stderr + JSON.stringify(problems),
    /wonderland|wrong-secret/,
    'no password is in the log or the problems'
  )
  const spool = execFileSync('sh', ['-c', `cat ${join(server.dataDir, 'spool')}/*.ndjson`]).toString()
  t.match(spool, id, 'the event is in the spool')
}

/** With the right settings what was kept reaches Kafka. */
async function mends(t: Test, server: ServerProcess, ids: readonly string[]): Promise<void> {
  await server.drained()
  const records = await readTopic(kafka.brokers, 'tributary.events')
  const found = records.map(({ value }) => (JSON.parse(value) as { messageId: string }).messageId)
  for (const id of ids) t.ok(found.includes(id), `${id} is in Kafka`)
}

t.test('a certificate of an untrusted authority names KAFKA_SSL_CA', async t => {
  const server = await startServer(t, { env: { ...GOOD, KAFKA_SSL_CA: stranger.pem } })
  await isDegraded(t, server, 'wrong-ca', /KAFKA_SSL_CA/)
  await server.kill('SIGTERM')
  await server.start({ env: { KAFKA_SSL_CA: broker.pem } })
  await mends(t, server, ['wrong-ca'])
})

t.test('a wrong password names KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD', async t => {
  const server = await startServer(t, { env: { ...GOOD, KAFKA_SASL_PASSWORD: 'wrong-secret' } })
  await isDegraded(t, server, 'wrong-password', /KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD/)
  await server.kill('SIGTERM')
  await server.start({ env: { KAFKA_SASL_PASSWORD: 'wonderland' } })
  await mends(t, server, ['wrong-password'])
})

/** The right on the topic or that on the cluster: both are revoked, and either may be missed first. */
const MISSING_RIGHT = /ACLs of KAFKA_SASL_USERNAME|KAFKA_SASL_USERNAME write idempotently: grant it IdempotentWrite/

t.test(
  'an ACL that is removed during operation names KAFKA_SASL_USERNAME, and granting it again ends the problem',
  async t => {
    const server = await startServer(t, { env: GOOD })
    await server.ready()
    t.equal(await send(server, 'before'), 200)
    await revoke()
    await isDegraded(t, server, 'no-acl', MISSING_RIGHT)
    await grant()
    await mends(t, server, ['before', 'no-acl'])
  }
)

t.test(
  'an ACL that is missing at the start does not end the server: events are spooled until it is granted',
  async t => {
    await revoke()
    const server = await startServer(t, { env: GOOD })
    await isDegraded(t, server, 'no-acl-at-start', MISSING_RIGHT)
    await grant()
    await mends(t, server, ['no-acl-at-start'])
  }
)
