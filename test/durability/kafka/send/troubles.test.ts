import t from 'tap'
import { Troubles } from '../../../../src/durability/kafka/send/troubles.ts'
import { until } from '../../../support/until.ts'

t.test(
  'a problem is listed while it exists, and logged once however often it appears and disappears in a short time',
  async t => {
    const told: string[] = []
    const tell = (message: string): void => void told.push(message)
    const troubles = new Troubles({ info: tell, warn: tell, error: tell }, 200)
    t.teardown(() => troubles.stop())
    for (let i = 0; i < 20; i++) {
      troubles.set('broker 1', 'broker 1 is slow')
      t.strictSame(troubles.list(), ['broker 1 is slow'])
      troubles.clear('broker 1')
      t.strictSame(troubles.list(), [])
    }
    t.strictSame(told, ['broker 1 is slow'])
    await until(() => told.length > 1, { what: 'the end of the problem to be logged' })
    t.strictSame(told, ['broker 1 is slow', 'over: broker 1 is slow'])
    troubles.set('broker 1', 'broker 1 is slow')
    troubles.set('broker 1', 'broker 1 is gone')
    troubles.set('leaders', 'partition 1', 'topic')
    troubles.set('leaders', 'partitions 1, 2', 'topic')
    t.strictSame(told.slice(2), ['broker 1 is slow', 'broker 1 is gone', 'partition 1'], 'each change is logged')
    t.strictSame(troubles.list(), ['broker 1 is gone', 'partitions 1, 2'])
  }
)
