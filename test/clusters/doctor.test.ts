/** The doctor names the fault of a broken cluster in one sentence, with the setting to change. */
import t, { type Test } from 'tap'
import { checkKafka } from '../../src/cli/doctor/kafka.ts'
import { readEnvironment } from '../../src/config/env/environment.ts'
import { parseTributaryFile } from '../../src/config/file/tributary-file.ts'
import { makeAuthority, type Issued } from '../support/clusters/authority.ts'
import { startClusterSink } from '../support/clusters/cluster-sink.ts'
import { startKafkaTool } from '../support/clusters/kafka-tool.ts'
import { AUTHORIZER, MECHANISMS, oauthBroker, scramUser, startSecureKafka } from '../support/clusters/secure-kafka.ts'
import { startTokenIssuer } from '../support/clusters/token-issuer.ts'
import { freePort } from '../support/kafka-process.ts'
import { eventRecord } from '../support/kafka-sink.ts'
import { createTopic } from '../support/kafka.ts'

const folder = t.testdir({})
const authority = await makeAuthority(folder)
const stranger = await makeAuthority(folder, 'stranger')
const issuer = await startTokenIssuer(t)
const oauth = oauthBroker(issuer)
const [plain, secure, astray, controller] = [await freePort(), await freePort(), await freePort(), await freePort()]

const [tls, guarded] = await Promise.all([
  startSecureKafka({ security: 'SSL', certificate: await authority.issue('broker'), clients: authority }),
  startSecureKafka({
    security: 'SASL_PLAINTEXT',
    mechanisms: { 'SCRAM-SHA-512': MECHANISMS['SCRAM-SHA-512'], ...oauth.mechanisms },
    format: ['alice', 'least'].flatMap(user => scramUser('SCRAM-SHA-512', user, 'wonderland')),
    env: oauth.env,
    port: plain,
    properties: {
      ...oauth.properties,
      ...AUTHORIZER,
      // A third listener, which sends its clients to an address where nobody listens.
      listeners: `PLAINTEXT://127.0.0.1:${plain},SECURE://127.0.0.1:${secure},ASTRAY://127.0.0.1:${astray},CONTROLLER://127.0.0.1:${controller}`,
      'advertised.listeners': `PLAINTEXT://127.0.0.1:${plain},SECURE://127.0.0.1:${secure},ASTRAY://127.0.0.1:1`,
      'listener.security.protocol.map':
        'PLAINTEXT:PLAINTEXT,SECURE:SASL_PLAINTEXT,ASTRAY:PLAINTEXT,CONTROLLER:PLAINTEXT',
      'controller.quorum.voters': `1@127.0.0.1:${controller}`
    }
  })
])
t.teardown(() => Promise.all([tls.stop(), guarded.stop()]))
const tool = await startKafkaTool(t, guarded.brokers)
await createTopic(guarded.brokers, 'tributary.events', { partitions: 1 })
await createTopic(guarded.brokers, 'tributary.rejected', { partitions: 1 })

const SASL = {
  KAFKA_BROKERS: `127.0.0.1:${secure}`,
  KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
  KAFKA_SASL_USERNAME: 'alice',
  KAFKA_SASL_PASSWORD: 'wonderland'
}
const OAUTH = {
  KAFKA_BROKERS: `127.0.0.1:${secure}`,
  KAFKA_SASL_MECHANISM: 'OAUTHBEARER',
  KAFKA_OAUTH_TOKEN_URL: issuer.tokenUrl,
  KAFKA_OAUTH_CLIENT_ID: 'tributary',
  KAFKA_OAUTH_CLIENT_SECRET: 'swordfish'
}

function tlsWith({ cert, key }: Issued, more: Record<string, string> = {}): Record<string, string> {
  const client = { KAFKA_SSL_CERT: cert, KAFKA_SSL_KEY: key }
  return {
    KAFKA_BROKERS: tls.secureBrokers.join(','),
    KAFKA_SSL: 'true',
    KAFKA_SSL_CA: authority.ca,
    ...client,
    ...more
  }
}

const FILE = parseTributaryFile('sources:\n  - id: web\n    writeKeys: [wk_a]\n', 'tributary.yml')

/** The doctor's findings and advice, one a line. */
async function findings(env: Record<string, string>, level: 'problem' | 'warning' = 'problem'): Promise<string> {
  const config = readEnvironment(env)
  if (config.kafka === undefined) throw new Error('KAFKA_BROKERS is missing')
  const found = await checkKafka(config, config.kafka, FILE)
  return found
    .filter(each => each.level === level)
    .map(({ says, todo }) => `${says} | ${todo}`)
    .join('\n')
}

async function names(t: Test, env: Record<string, string>, words: RegExp): Promise<void> {
  let found = ''
  // A broker may close the connection before its error message arrives.
  for (let tries = 0; tries < 10 && !words.test(found); tries++) found = await findings(env)
  t.match(found, words)
  t.notMatch(found, /wonderland|swordfish/, 'the findings contain no secret')
}

t.test("an authority that did not sign the brokers' certificates: KAFKA_SSL_CA", async t => {
  await names(t, tlsWith(await authority.issue('a'), { KAFKA_SSL_CA: stranger.ca }), /not trusted: check KAFKA_SSL_CA/)
})

t.test('a client certificate that the brokers refuse: KAFKA_SSL_CERT', async t => {
  await names(t, tlsWith(await stranger.issue('b')), /refuses the client certificate.* KAFKA_SSL_CERT/)
})

t.test('a client certificate that has expired: KAFKA_SSL_CERT', async t => {
  const expired = await authority.issue('c', { expired: true })
  await names(t, tlsWith(expired), /the certificate in KAFKA_SSL_CERT \(CN=c\) ended on .* Put a renewed one there/)
})

t.test('TLS on a port without TLS, and no TLS on a port with it: KAFKA_SSL', async t => {
  const certificate = await authority.issue('d')
  await names(t, tlsWith(certificate, { KAFKA_BROKERS: tls.brokers.join(',') }), /does not speak TLS .*check KAFKA_SSL/)
  await names(t, { KAFKA_BROKERS: tls.secureBrokers.join(',') }, /KAFKA_SSL/)
})

t.test('a token endpoint that is down: KAFKA_OAUTH_TOKEN_URL', async t => {
  const env = { ...OAUTH, KAFKA_OAUTH_TOKEN_URL: `http://127.0.0.1:${await freePort()}/token` }
  await names(t, env, /the token endpoint .* refuses connections: check KAFKA_OAUTH_TOKEN_URL/)
})

t.test('a clock that is wrong, so that tokens expire before they are used: the clocks', async t => {
  issuer.skew = -2 * 86_400
  await names(t, OAUTH, /the brokers refuse the token .*the clocks of this machine and of the brokers/)
  issuer.skew = 0
})

t.test(
  'a broker that advertises an address at which it does not listen: advertised.listeners, KAFKA_BROKERS',
  async t => {
    const env = { KAFKA_BROKERS: `127.0.0.1:${astray}` }
    await names(
      t,
      env,
      /addresses that they cannot reach: Kafka \(127\.0\.0\.1:1\) .*advertised\.listeners.* KAFKA_BROKERS/
    )
  }
)

t.test('no rights on one topic of two, then rights to see it but not to write: KAFKA_SASL_USERNAME', async t => {
  await tool.allow('User:alice', 'TOPIC', 'tributary.events', ['WRITE', 'DESCRIBE'])
  const first = await findings(SASL)
  t.match(
    first,
    /topic tributary\.rejected: the Kafka user may not describe or create it: check the ACLs of KAFKA_SASL_USERNAME/
  )
  t.notMatch(first, /tributary\.events/)
  await tool.allow('User:alice', 'TOPIC', 'tributary.rejected', ['DESCRIBE'])
  await names(t, SASL, /tributary\.rejected: this user may see the topic, but not write to it.*KAFKA_SASL_USERNAME/)
})

t.test('more replicas than the cluster has brokers: KAFKA_REPLICATION_FACTOR', async t => {
  const env = { KAFKA_BROKERS: guarded.brokers.join(','), EVENTS_TOPIC: 'new.events', KAFKA_REPLICATION_FACTOR: '3' }
  await names(t, env, /new\.events: it cannot be made: KAFKA_REPLICATION_FACTOR is 3, but the cluster has one broker/)
})

t.test('a quota below any load: KAFKA_SASL_USERNAME, KAFKA_CLIENT_ID', async t => {
  await tool.allow('User:alice', 'CLUSTER', 'kafka-cluster', ['DESCRIBE_CONFIGS'])
  await tool.setQuota('alice', 'producer_byte_rate', 1_000)
  await names(t, SASL, /write 1000 bytes a second: .*producer_byte_rate of KAFKA_SASL_USERNAME and KAFKA_CLIENT_ID/)
})

t.test('a replica that lags may become leader, one copy of each record: warnings', async t => {
  await tool.configure('TOPIC', 'tributary.events', { 'unclean.leader.election.enable': 'true' })
  const env = { KAFKA_BROKERS: guarded.brokers.join(',') }
  t.match(await findings(env, 'warning'), /tributary\.events: unclean\.leader\.election\.enable is true/)
  t.match(await findings(env, 'warning'), /tributary\.events: there is one copy of each record/)
})

t.test('the least rights are sufficient: Write, Describe and Create on the topics, none on the cluster', async t => {
  await tool.allow('User:least', 'TOPIC', 'shop.*', ['WRITE', 'DESCRIBE', 'CREATE'])
  const env = { ...SASL, KAFKA_SASL_USERNAME: 'least' }
  const { sink } = await startClusterSink(t, env, ['shop.events']).ready()
  await sink.publish([eventRecord({ messageId: 'a', topics: ['shop.events'] })])
  t.equal((await tool.read('shop.events')).length, 1)
})
