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
 *
 * A record that does not fit the table (text with half a character in it, an object where text was expected, no JSON at
 * all) costs its own row: it goes to the table `refused` as it came, with the reason.
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
    group: { type: 'string', default: 'tributary-example-node' },
    /** Seconds that Kafka may take to answer at the start. */
    timeout: { type: 'string', default: '30' }
  }
})

const MAX_ROWS = 1_000

type Event = Readonly<Record<string, unknown>>

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
  );
  CREATE TABLE IF NOT EXISTS refused (
    topic      TEXT NOT NULL,
    partition  INTEGER NOT NULL,
    position   INTEGER NOT NULL,
    reason     TEXT NOT NULL,
    record     BLOB,
    PRIMARY KEY (topic, partition, position)
  )`)
const insert = database.prepare('INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')

const refuse = database.prepare('INSERT OR IGNORE INTO refused VALUES (?, ?, ?, ?, ?)')
const utf8 = new TextDecoder('utf-8', { fatal: true })

/** A field as SQLite takes it. JSON may hold half of a surrogate pair, which would be stored as another character. */
function text(event: Event, name: string): string {
  const value = event[name]
  if (typeof value !== 'string') throw new Error(`${name} is no text`)
  if (!value.isWellFormed()) throw new Error(`${name} holds half of a surrogate pair`)
  return value
}

function textOrNull(event: Event, name: string): string | null {
  return event[name] === undefined || event[name] === null ? null : text(event, name)
}

/** What `integrations` says of this destination, if it is an object, are its options. */
function optionsOf({ integrations }: Event): string | null {
  const name = options.destination ?? ''
  if (typeof integrations !== 'object' || integrations === null || !Object.hasOwn(integrations, name)) return null
  const said = (integrations as Event)[name]
  return typeof said === 'object' && said !== null && !Array.isArray(said) ? JSON.stringify(said) : null
}

/** A record's value as a row. Throws where it does not make one. */
function rowOf(value: Buffer): (string | null)[] {
  const record = utf8.decode(value)
  const event = JSON.parse(record) as Event | null
  if (typeof event !== 'object' || event === null || Array.isArray(event))
    throw new Error('the record is no JSON object')
  return [
    text(event, 'messageId'),
    text(event, 'type'),
    text(event, 'projectId'),
    textOrNull(event, 'userId'),
    textOrNull(event, 'anonymousId'),
    textOrNull(event, 'event'),
    text(event, 'timestamp'),
    text(event, 'receivedAt'),
    optionsOf(event),
    record
  ]
}

/** Whatever is wrong with one record must not stop the others. */
function readRow({ value }: Message): { readonly row: (string | null)[] } | { readonly reason: string } {
  try {
    return { row: rowOf(value) }
  } catch (error) {
    return { reason: (error as Error).message.toWellFormed() }
  }
}

function write(messages: readonly Message[]): void {
  database.exec('BEGIN')
  for (const message of messages) {
    const read = readRow(message)
    if ('row' in read) insert.run(...read.row)
    else refuse.run(message.topic, message.partition, message.offset, read.reason, message.value ?? null)
  }
  database.exec('COMMIT')
}

/** Rejects when Kafka has not answered in time: a broker that accepts connections and says nothing would hold the program for ever. */
function withinTimeout<T>(work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const words = `no answer within ${options.timeout} s`
  const timer = setTimeout(() => reject(new Error(words)), Number(options.timeout) * 1000)
  return Promise.race([work, promise]).finally(() => clearTimeout(timer))
}

const consumer = new Consumer({
  clientId: options.group,
  groupId: options.group,
  bootstrapBrokers: options.brokers.split(','),
  // After so long another member takes over from one that was killed.
  sessionTimeout: 10_000
})
const started = consumer.consume({
  topics: [options.topic],
  mode: MessagesStreamModes.COMMITTED,
  fallbackMode: MessagesStreamFallbackModes.EARLIEST,
  autocommit: false
})
const stream = await withinTimeout(started).catch((error: Error) => {
  console.error(`Kafka at ${options.brokers} cannot be read: ${error.message}`)
  process.exit(1)
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
