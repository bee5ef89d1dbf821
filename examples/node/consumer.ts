/**
 * Reads the topic of one destination and writes its events to SQLite, each once. Node 24 runs it as it is:
 *
 *     npm install @platformatic/kafka
 *     node consumer.ts --topic tributary.destination.amplitude --database events.db
 *
 * Delivery is at least once, so a record can come twice: after an outage of the server's Kafka, or when this program
 * ends between writing rows and committing offsets. The primary key on message_id makes the second time do nothing.
 *
 * Rows are committed first and offsets after them. Whatever happens in between, nothing is lost.
 */
import { Consumer, MessagesStreamFallbackModes, MessagesStreamModes } from '@platformatic/kafka'
import type { Message } from '@platformatic/kafka'
import { DatabaseSync } from 'node:sqlite'
import { parseArgs } from 'node:util'

const { values: options } = parseArgs({
  options: {
    brokers: { type: 'string', default: '127.0.0.1:9092' },
    topic: { type: 'string', default: 'tributary.events' },
    database: { type: 'string', default: 'events.db' },
    /** Its name in tributary.yml, to keep the options that senders give for it. */
    destination: { type: 'string' },
    group: { type: 'string', default: 'tributary-example-node' }
  }
})

const MAX_ROWS = 1_000

interface Event {
  readonly messageId: string
  readonly type: string
  readonly projectId: string
  readonly userId?: string | null
  readonly anonymousId?: string | null
  readonly event?: string | null
  readonly timestamp: string
  readonly receivedAt: string
  readonly integrations?: Readonly<Record<string, unknown>> | null
}

const database = new DatabaseSync(options.database)
database.exec(`
  PRAGMA journal_mode = WAL;
  CREATE TABLE IF NOT EXISTS events (
    message_id   TEXT PRIMARY KEY,
    type         TEXT NOT NULL,
    source       TEXT NOT NULL,
    user_id      TEXT,
    anonymous_id TEXT,
    event        TEXT,
    timestamp    TEXT NOT NULL,
    received_at  TEXT NOT NULL,
    options      TEXT,
    record       TEXT NOT NULL
  )`)
const insert = database.prepare('INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')

function write(messages: readonly Message[]): void {
  database.exec('BEGIN')
  for (const { value } of messages) {
    const text = value.toString()
    const event = JSON.parse(text) as Event
    const said = event.integrations?.[options.destination ?? '']
    insert.run(
      event.messageId,
      event.type,
      event.projectId,
      event.userId ?? null,
      event.anonymousId ?? null,
      event.event ?? null,
      event.timestamp,
      event.receivedAt,
      typeof said === 'object' && said !== null ? JSON.stringify(said) : null,
      text
    )
  }
  database.exec('COMMIT')
}

const consumer = new Consumer({
  clientId: options.group,
  groupId: options.group,
  bootstrapBrokers: options.brokers.split(','),
  // After so long another member takes over from one that was killed.
  sessionTimeout: 10_000
})
const stream = await consumer.consume({
  topics: [options.topic],
  mode: MessagesStreamModes.COMMITTED,
  fallbackMode: MessagesStreamFallbackModes.EARLIEST,
  autocommit: false
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stream.close())
console.log('reading', options.topic)

let batch: Message[] = []
for await (const message of stream) {
  batch.push(message)
  if (stream.readableLength > 0 && batch.length < MAX_ROWS) continue
  write(batch)
  // The last message of each partition stands for all before it.
  for (const last of new Map(batch.map(one => [one.partition, one])).values()) await last.commit()
  batch = []
}
await consumer.close()
database.close()
