import { NetworkError, ProtocolError } from '@platformatic/kafka'
import t from 'tap'
import { verdictOf } from '../../../../src/durability/kafka/send/answers.ts'
import { explain, explainTopic, isTopicTrouble } from '../../../../src/durability/kafka/connect/explain.ts'

const brokers = ['kafka-1:9092', 'kafka-2:9092']

t.test('protocol errors at any depth become one line that says what to check', async t => {
  const cases: Record<string, RegExp> = {
    NOT_ENOUGH_REPLICAS: /min\.insync\.replicas/,
    NOT_ENOUGH_REPLICAS_AFTER_APPEND: /min\.insync\.replicas/,
    TOPIC_AUTHORIZATION_FAILED: /ACLs/,
    CLUSTER_AUTHORIZATION_FAILED: /IdempotentWrite/,
    KAFKA_STORAGE_ERROR: /disk/,
    INVALID_TIMESTAMP: /clocks/,
    REQUEST_TIMED_OUT: /in time/
  }
  for (const [id, words] of Object.entries(cases)) {
    const error = new AggregateError([new Error('outer', { cause: new ProtocolError(id) })], 'many')
    t.match(explain(error, brokers), words, id)
    t.match(explain(error, brokers), /^Kafka \(kafka-1:9092, kafka-2:9092\) [^\n]+$/)
  }
})

t.test('if a timestamp is refused and a leader also moved, the message reports the timestamp', async t => {
  const error = new AggregateError([
    new ProtocolError('NOT_LEADER_OR_FOLLOWER'),
    new ProtocolError('INVALID_TIMESTAMP')
  ])
  t.match(explain(error, brokers), /clocks/)
})

t.test('an unknown error is reported with its own first line', async t => {
  t.equal(explain(new Error('odd\nstack'), brokers), 'Kafka (kafka-1:9092, kafka-2:9092) failed: odd')
  t.equal(explain('text', ['b']), 'Kafka (b) failed: text')
})

t.test('an error that is its own cause does not hang', async t => {
  const error = new Error('round')
  error.cause = error
  t.match(explain(error, brokers), /round/)
})

t.test('a problem of a topic is told from a problem of the connection', async t => {
  t.ok(isTopicTrouble(new ProtocolError('TOPIC_AUTHORIZATION_FAILED')))
  t.notOk(isTopicTrouble(new NetworkError('Connection closed')))
  t.match(explainTopic('a', new ProtocolError('INVALID_REPLICATION_FACTOR')), /KAFKA_REPLICATION_FACTOR/)
  t.match(explainTopic('a', new ProtocolError('INVALID_PARTITIONS')), /KAFKA_PARTITIONS/)
  t.match(explainTopic('a', new ProtocolError('LEADER_NOT_AVAILABLE')), /no leader/)
  t.match(explainTopic('a', new ProtocolError('TOPIC_AUTHORIZATION_FAILED')), /ACLs/)
  t.match(explainTopic('a', new ProtocolError('POLICY_VIOLATION')), /^topic a: /)
})

t.test(
  'the error of a partition decides: stored, refused permanently, a new sequence number, or refused for now',
  async t => {
    const kinds = [0, 46, 10, 18, 87, 32, 45, 59, 6, 19, 29, 99].map(code => verdictOf(code).kind)
    const wanted = [
      'stored',
      'stored',
      'refused',
      'refused',
      'refused',
      'time',
      'renumber',
      'renumber',
      'no',
      'no',
      'no',
      'no'
    ]
    t.strictSame(kinds, wanted)
    t.match(verdictOf(10), { reason: /max\.message\.bytes/ })
    t.match(verdictOf(19), { words: /min\.insync\.replicas/ })
  }
)

t.test("a refused setting is reported in the broker's own words", async t => {
  const words = 'Value 86400000 for local.retention.ms is more than retention.ms'
  const error = new AggregateError([new ProtocolError('INVALID_CONFIG', `${words}\nat line 2`)], 'Received response')
  t.equal(explain(error, ['kafka:9092']), `Kafka (kafka:9092) failed: ${words}`)
  t.equal(explainTopic('orders', error), `topic orders: ${words}`)
  t.equal(explainTopic('orders', new ProtocolError('INVALID_CONFIG')), 'topic orders: Configuration is invalid.')
})

t.test('a missing answer may be a quota: a controller that throttles the creation of topics answers late', async t => {
  t.match(
    explain(new Error('timed out after 5000 ms'), ['kafka:9092']),
    /does not answer in time: .*controller_mutation_rate/
  )
})
