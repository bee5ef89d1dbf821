import t from 'tap'
import { RestoreHistory, type Restore } from '../../../src/durability/spool/restore-history.ts'
import { testRecord } from '../../support/records.ts'

const LINE = Buffer.from('{}\n')

const to =
  (topic: string): Restore =>
  () =>
    testRecord({ line: LINE, topics: [topic] })

t.test(
  'a line is routed by the configuration that was in force when it was published, however late it is written',
  async t => {
    const history = new RestoreHistory(to('first'), 100)
    const topicAt = (place: number): string | undefined => history.restore(LINE, place)?.topics[0]
    t.equal(topicAt(0), 'first')
    const early = history.beginWrite()
    history.add(to('second'))
    t.equal(topicAt(99), 'first', 'a line of an earlier process uses the first configuration')
    t.equal(topicAt(100), 'second')
    const late = history.beginWrite()
    early(200)
    t.equal(topicAt(150), 'first')
    late(300)
    history.add(to('third'))
    t.strictSame([199, 200, 299, 300].map(topicAt), ['first', 'second', 'second', 'third'])
    history.forget(() => 200)
    t.strictSame([200, 299, 300].map(topicAt), ['second', 'second', 'third'])
    history.forget(() => 1_000)
    t.equal(topicAt(1_000), 'third')
  }
)
