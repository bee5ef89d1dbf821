import t from 'tap'
import { eventRecord, readySink } from '../../../support/kafka-sink.ts'
import type { TestRecord } from '../../../support/records.ts'
import { readTopic, startKafka } from '../../../support/kafka.ts'

const BUSY_MS = 600
// Each record's time is that at which the broker stored it.
const kafka = await startKafka({ properties: { 'log.message.timestamp.type': 'LogAppendTime' } })
t.teardown(() => kafka.stop())

t.test(
  'what waits goes to Kafka with the answer that it waited for, not after the requests that arrive with it',
  async t => {
    const topic = 'busy'
    let busyFrom = 0
    let isMeasured = false
    const { sink } = await readySink(t, kafka.brokers, {
      wanted: [topic],
      onProduced() {
        if (!isMeasured) return
        isMeasured = false
        // As a server that has many requests to read in this turn of the event loop.
        setImmediate(() => {
          busyFrom = Date.now()
          while (Date.now() - busyFrom < BUSY_MS);
        })
      }
    })
    const event = (messageId: string, text = ''): TestRecord =>
      eventRecord({ messageId, key: 'ann', topics: [topic], properties: { text } })
    await sink.publish([event('set-up')])
    isMeasured = true
    // Large enough for the answer to take longer than the millisecond between two requests.
    const large = Array.from({ length: 100 }, (_, index) => event(`first-${index}`, 'x'.repeat(4_000)))
    const first = sink.publish(large)
    // The first is on its way by then: the answer cannot be there before this turn has ended.
    await new Promise(setImmediate)
    const second = sink.publish([event('second')])
    await Promise.all([first, second])
    const stored = (await readTopic(kafka.brokers, topic)).find(({ headers }) => headers.messageId === 'second')
    const late = Number(stored?.timestamp) - busyFrom
    t.ok(busyFrom > 0, 'the process was busy after the answer')
    t.ok(
      late < BUSY_MS / 2,
      `the broker stored the second event ${late} ms after the process became busy for ${BUSY_MS} ms`
    )
  }
)
t.end()
