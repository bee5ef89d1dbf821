import { MultipleErrors, ResponseError } from '@platformatic/kafka'
import t from 'tap'
import { topicErrors } from '../../../../src/durability/kafka/connect/errors.ts'
import { isAlreadyThere, isRefusedTopic } from '../../../../src/durability/kafka/connect/explain.ts'

const [CREATE_TOPICS, INVALID_TOPIC, TIMED_OUT, ALREADY_EXISTS] = [19, 17, 7, 36]

/** The client's error for an answer to CreateTopics: each topic with its error code, 0 for none. */
function answered(topics: readonly (readonly [name: string, errorCode: number])[]): Error {
  const errors = topics.flatMap(([, code], at) => (code === 0 ? [] : [[`/topics/${at}`, [code, null]]]))
  const response = { topics: topics.map(([name, errorCode]) => ({ name, errorCode })) }
  return new ResponseError(CREATE_TOPICS, 7, Object.fromEntries(errors), response)
}

t.test('each topic that Kafka does not create is reported with its own error, in any order of the answer', async t => {
  const error = new MultipleErrors('Creating topics failed.', [
    answered([
      ['there', ALREADY_EXISTS],
      ['made', 0],
      ['not allowed!', INVALID_TOPIC]
    ])
  ])
  const refused = topicErrors(error)
  t.strictSame([...refused.keys()], ['there', 'not allowed!'])
  t.ok(isAlreadyThere(refused.get('there')))
  t.notOk(isAlreadyThere(refused.get('not allowed!')))
  t.ok(isRefusedTopic(refused.get('not allowed!')))
})

t.test('if the client repeated a request, the last answer counts', async t => {
  const first = answered([
    ['slow', TIMED_OUT],
    ['late', TIMED_OUT]
  ])
  const last = answered([
    ['slow', 0],
    ['late', ALREADY_EXISTS]
  ])
  t.strictSame([...topicErrors(new MultipleErrors('failed 2 times.', [first, last])).keys()], ['late'])
})

t.test('an error without an answer names no topic', async t => {
  t.equal(topicErrors(new Error('closed')).size, 0)
})
