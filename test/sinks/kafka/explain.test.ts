import { NetworkError, ProtocolError, ResponseError } from '@platformatic/kafka'
import t from 'tap'
import { confirmedPartitions, refusalReason } from '../../../src/sinks/kafka/errors.ts'
import { explain, explainTopic, isTopicTrouble } from '../../../src/sinks/kafka/explain.ts'

const brokers = ['kafka-1:9092', 'kafka-2:9092']

t.test('protocol errors, however deep, become one line that says what to look at', async t => {
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

t.test('of a time that is refused and a leader that moved meanwhile, the time is told', async t => {
  const error = new AggregateError([
    new ProtocolError('NOT_LEADER_OR_FOLLOWER'),
    new ProtocolError('INVALID_TIMESTAMP')
  ])
  t.match(explain(error, brokers), /clocks/)
})

t.test('an error that nobody knows is told in its own first line', async t => {
  t.equal(explain(new Error('odd\nstack'), brokers), 'Kafka (kafka-1:9092, kafka-2:9092) failed: odd')
  t.equal(explain('text', ['b']), 'Kafka (b) failed: text')
})

t.test('an error that causes itself does not hang', async t => {
  const error = new Error('round')
  error.cause = error
  t.match(explain(error, brokers), /round/)
})

t.test('trouble with a topic is told apart from trouble with the connection', async t => {
  t.ok(isTopicTrouble(new ProtocolError('TOPIC_AUTHORIZATION_FAILED')))
  t.notOk(isTopicTrouble(new NetworkError('Connection closed')))
  t.match(explainTopic('a', new ProtocolError('INVALID_REPLICATION_FACTOR')), /KAFKA_REPLICATION_FACTOR/)
  t.match(explainTopic('a', new ProtocolError('INVALID_PARTITIONS')), /KAFKA_PARTITIONS/)
  t.match(explainTopic('a', new ProtocolError('LEADER_NOT_AVAILABLE')), /no leader/)
  t.match(explainTopic('a', new ProtocolError('TOPIC_AUTHORIZATION_FAILED')), /ACLs/)
  t.match(explainTopic('a', new ProtocolError('POLICY_VIOLATION')), /^topic a: /)
})

t.test('of a refused request the partitions that took theirs are known', async t => {
  const partition = (index: number, errorCode: number) => ({ index, errorCode, baseOffset: 7n })
  const response = { responses: [{ name: 'a', partitionResponses: [partition(0, 0), partition(1, 10)] }] }
  const error = new ResponseError(0, 11, { '/responses/0/partition_responses/1': [10, null] }, response)
  t.strictSame(confirmedPartitions(error), [{ topic: 'a', partition: 0, offset: 7n }])
  t.match(refusalReason(error), /max\.message\.bytes/)
  t.equal(refusalReason(new ProtocolError('NOT_ENOUGH_REPLICAS')), undefined)
})
