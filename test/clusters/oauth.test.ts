/** OAUTHBEARER: a broker with its own validator of tokens, and a small issuer of tokens. */
import t from 'tap'
import { isSaid, startClusterSink } from '../support/clusters/cluster-sink.ts'
import { startKafkaTool } from '../support/clusters/kafka-tool.ts'
import { oauthBroker, startSecureKafka } from '../support/clusters/secure-kafka.ts'
import { startTokenIssuer } from '../support/clusters/token-issuer.ts'
import { eventRecord } from '../support/kafka-sink.ts'

const issuer = await startTokenIssuer(t)
const broker = oauthBroker(issuer)
const kafka = await startSecureKafka({
  security: 'SASL_PLAINTEXT',
  ...broker,
  properties: { ...broker.properties, 'listener.name.secure.oauthbearer.connections.max.reauth.ms': '4000' }
})
t.teardown(() => kafka.stop())
const tool = await startKafkaTool(t, kafka.brokers)

function envOf(more: Record<string, string> = {}): Record<string, string> {
  return {
    KAFKA_BROKERS: kafka.secureBrokers.join(','),
    KAFKA_SASL_MECHANISM: 'OAUTHBEARER',
    KAFKA_OAUTH_TOKEN_URL: issuer.tokenUrl,
    KAFKA_OAUTH_CLIENT_ID: 'tributary',
    KAFKA_OAUTH_CLIENT_SECRET: 'swordfish',
    ...more
  }
}

t.test('events reach a broker that checks tokens, and the server requests scope and audience', async t => {
  issuer.asked.length = 0
  const env = envOf({ KAFKA_OAUTH_SCOPE: 'write read', KAFKA_OAUTH_AUDIENCE: 'kafka' })
  const { sink } = await startClusterSink(t, env, ['tokens']).ready()
  await sink.publish([eventRecord({ messageId: 'a', topics: ['tokens'] })])
  t.equal((await tool.read('tokens')).length, 1)
  t.strictSame(Object.fromEntries(issuer.asked[0] ?? []), {
    grant_type: 'client_credentials',
    scope: 'write read',
    audience: 'kafka'
  })
  t.equal(issuer.asked.length, 1, 'all connections share one token')
})

t.test('tokens of 10 s are renewed, and when the broker re-authenticates, no event is late or lost', async t => {
  issuer.lifetime = 10
  issuer.asked.length = 0
  const { sink, logged } = await startClusterSink(t, envOf(), ['renewed']).ready()
  const began = performance.now()
  const sent: string[] = []
  const isDown = (): boolean => performance.now() - began > 6_000 && performance.now() - began < 8_000
  while (performance.now() - began < 14_000) {
    // A token that is still valid covers a short failure of the issuer.
    issuer.status = isDown() ? 503 : undefined
    const messageId = String(sent.length)
    sent.push(messageId)
    await sink.publish([eventRecord({ messageId, topics: ['renewed'] })])
  }
  issuer.lifetime = 3_600
  const read = (await tool.read('renewed')).map(({ headers }) => headers['messageId'])
  t.strictSame(new Set(read), new Set(sent), 'no event is missing')
  t.equal(read.length, sent.length, 'no event is stored twice')
  t.ok(issuer.asked.length >= 2, `the issuer was asked for ${issuer.asked.length} tokens`)
  t.notMatch(logged.join('\n'), /Kafka .* (cannot|closes|refuses)/)
})

t.test('a fault of a token names the variable', async t => {
  issuer.status = undefined
  const cases: [Record<string, string>, RegExp][] = [
    [
      { KAFKA_OAUTH_CLIENT_SECRET: 'wrong-secret' },
      /answers 401 \(invalid_client\): check KAFKA_OAUTH_CLIENT_ID and KAFKA_OAUTH_CLIENT_SECRET/
    ],
    [{ KAFKA_OAUTH_SCOPE: 'unknown' }, /answers 400 \(invalid_scope\): check KAFKA_OAUTH_SCOPE/],
    [{ KAFKA_OAUTH_TOKEN_URL: 'http://127.0.0.1:1/token' }, /token endpoint http:\S+ .*: check KAFKA_OAUTH_TOKEN_URL/],
    [{ KAFKA_OAUTH_TOKEN_URL: issuer.jwksUrl }, /without an access_token: check KAFKA_OAUTH_TOKEN_URL/],
    [{ KAFKA_OAUTH_AUDIENCE: 'others' }, /the brokers refuse the token .*KAFKA_OAUTH_AUDIENCE/]
  ]
  for (const [more, words] of cases) await isSaid(t, envOf(more), words)
})
