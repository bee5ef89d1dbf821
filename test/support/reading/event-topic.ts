import type { Test } from 'tap'
import { produceValues, readTopic, startKafka } from '../kafka.ts'
import { startServer } from '../server-process.ts'
import { HARD_EVENTS, sendHard, sendOrders } from './log.ts'

export const TOPIC = 'tributary.events'
export const ORDERS = 1_700
/** The number of different events once the topic is complete. */
export const EVENTS = ORDERS + HARD_EVENTS.length + 1
/** The number of copies. */
export const TWINS = 40
/** How many orders are sent before the copies. */
const HALF = 800
const PATIENCE_MS = 60_000
const LATER_MS = 60_000
/** How long one event has waited on disk before it is written to Kafka: longer than the delay of any watermark of the page. */
const WAIT_MS = 25 * 3_600_000

type Records = Awaited<ReturnType<typeof readTopic>>

/** The topic of a real server, with three partitions. */
export interface EventTopic {
  readonly brokers: string[]
  /** Sends the copies that at-least-once delivery may leave, an event that comes late, and the other orders. Resolves with all records. */
  complete(): Promise<Records>
}

/** Starts Kafka and a server, and sends the hard events and the first half of the orders. */
export async function startEventTopic(t: Test): Promise<EventTopic> {
  const kafka = await startKafka({})
  t.teardown(() => kafka.stop())
  const { brokers } = kafka
  const env = { KAFKA_BROKERS: brokers.join(), KAFKA_REPLICATION_FACTOR: '1', KAFKA_PARTITIONS: '3' }
  const server = await startServer(t, { env })
  const read = (count: number): Promise<Records> => readTopic(brokers, TOPIC, { count, timeoutMs: PATIENCE_MS })
  await sendHard(server.url, '00042', HARD_EVENTS)
  await sendOrders(server.url, 0, HALF, ORDERS)
  const first = await read(HALF + HARD_EVENTS.length)
  return {
    brokers,
    async complete() {
      const twins = first.slice(0, TWINS).map(record => moved(record, LATER_MS))
      const late = first
        .filter(({ headers }) => headers['messageId'] === HARD_EVENTS[0][0])
        .map(record => ({ ...moved(record, -WAIT_MS), headers: { ...record.headers, messageId: 'late' } }))
      await produceValues(brokers, TOPIC, [...twins, ...late])
      await sendOrders(server.url, HALF, ORDERS, ORDERS)
      return read(EVENTS + TWINS)
    }
  }
}

/** The same record with another time of receipt. */
function moved(record: Records[number], ms: number): Parameters<typeof produceValues>[2][number] {
  return { ...record, key: record.key ?? '', timestamp: String(record.timestamp + ms) }
}
