import {
  Admin,
  NetworkError,
  type BaseOptions,
  type Connection,
  type MessageToProduce,
  type RetryDelayGetter
} from '@platformatic/kafka'
import { isIP } from 'node:net'
import { BatchProducer } from './batch-producer.ts'
import type { Offsets, PartitionBatch } from './call.ts'
import { chain, type PartitionOffset } from './errors.ts'
import { namingMissingTopics } from './missing-topics.ts'
import type { KafkaSettings } from './options.ts'
import type { KafkaRequest } from './request.ts'

/** One life of the producer, with one producer id; after a failure it is abandoned and another one opened. */
export interface Session {
  /** Resolves once every in-sync replica has every message, with where they are. At most one send at a time. */
  send(request: KafkaRequest): Promise<Offsets>
  readonly producer: BatchProducer
  /** Work with an admin client of the same settings. */
  withAdmin<T>(work: (admin: Admin) => Promise<T>): Promise<T>
  /** Cuts every connection at once; a send under way rejects. */
  abandon(): void
}

const CONNECT_TIMEOUT_MS = 2_000
const REQUEST_TIMEOUT_MS = 3_000
/** How long a broker waits for the other replicas before it answers that they did not. */
const REPLICATION_TIMEOUT_MS = 2_500
/** What the client repeats by itself, with the same sequence numbers: about 1 s for a leader that moves. */
const RETRIES = 8
const RETRY_STEP_MS = 50
const MAX_RETRY_DELAY_MS = 200
/** A broker that is gone is better left soon: then publishers learn it, and connecting anew tries on. */
const NETWORK_RETRY_DELAY_MS = 20
/** The topics are looked up in the background, so that no send has to wait for that. */
const METADATA_MAX_AGE_MS = 24 * 60 * 60 * 1_000
/** Kafka's sequence numbers are 32 bits and the client does not wrap them: a new producer id starts at 0 again. */
const MAX_SEQUENCE_RECORDS = 1_000_000_000

/** Connects and gets a producer id. Rejects with the client's error when that fails, or soon after `signal` aborts. */
export async function openSession(
  settings: KafkaSettings,
  life: { readonly signal: AbortSignal; readonly onDisconnect: () => void }
): Promise<Session> {
  const connections = new Set<Connection>()
  const clients = new Set<BatchProducer | Admin>()
  const common = clientOptions(settings)
  const producer = new BatchProducer({ ...common, idempotent: true, metadataMaxAge: METADATA_MAX_AGE_MS })
  clients.add(producer)
  watch(producer, connections)
  let sentRecords = 0

  const abandon = (): void => {
    life.signal.removeEventListener('abort', abandon)
    producer.off('client:broker:disconnect', life.onDisconnect)
    for (const client of clients) client.close().catch(() => {})
    for (const connection of connections) connection.socket?.destroy()
  }

  const lookUp = (topic: string) => producer.metadata({ topics: [topic], forceUpdate: true, retries: 0 })

  life.signal.addEventListener('abort', abandon)
  try {
    await producer.initIdempotentProducer({})
  } catch (error) {
    abandon()
    throw error
  }
  producer.on('client:broker:disconnect', life.onDisconnect)

  return {
    producer,
    async send({ messages, batches }) {
      sentRecords += messages.length
      if (sentRecords > MAX_SEQUENCE_RECORDS) {
        await producer.initIdempotentProducer({})
        sentRecords = messages.length
      }
      try {
        const { offsets } = await producer.send({ messages: batches.map(toClientMessage) })
        return offsetMap(offsets ?? [])
      } catch (error) {
        const topics = [...new Set(batches.map(({ topic }) => topic))]
        throw await namingMissingTopics(error, { topics, lookUp })
      }
    },
    async withAdmin(work) {
      const admin = new Admin(common)
      clients.add(admin)
      watch(admin, connections)
      try {
        return await work(admin)
      } finally {
        clients.delete(admin)
        admin.close().catch(() => {})
      }
    },
    abandon
  }
}

/** A whole batch as one message: for each message the client makes objects of its own, groups and counts. */
function toClientMessage(batch: PartitionBatch): MessageToProduce<Buffer, PartitionBatch> {
  return { topic: batch.topic, partition: batch.partition, value: batch }
}

export function offsetMap(offsets: readonly PartitionOffset[]): Offsets {
  const map = new Map<string, Map<number, bigint>>()
  for (const { topic, partition, offset } of offsets) {
    const ofTopic = map.get(topic) ?? new Map<number, bigint>()
    map.set(topic, ofTopic.set(partition, offset))
  }
  return map
}

/** Errors of a connection reach the requests on it; one that comes after those must not become an uncaught exception. */
function watch(client: BatchProducer | Admin, connections: Set<Connection>): void {
  client.connections.on('connecting', ({ connection }: { connection: Connection }) => {
    connections.add(connection)
    connection.on('error', () => {})
    connection.on('close', () => connections.delete(connection))
  })
}

const retryDelay: RetryDelayGetter = (...[, , attempt, , error]) => {
  if (chain(error).some(({ code }) => code === NetworkError.code)) return NETWORK_RETRY_DELAY_MS
  return Math.min(attempt * RETRY_STEP_MS, MAX_RETRY_DELAY_MS)
}

/** Server name indication is for names: TLS does not allow addresses there. */
function isNamed(broker: string): boolean {
  return isIP(broker.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')) === 0
}

/** How any client of the cluster connects. */
export function clientOptions(settings: Pick<KafkaSettings, 'brokers' | 'clientId' | 'ssl' | 'sasl'>): BaseOptions {
  const { brokers, clientId, ssl, sasl } = settings
  return {
    clientId,
    bootstrapBrokers: [...brokers],
    connectTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    timeout: REPLICATION_TIMEOUT_MS,
    retries: RETRIES,
    retryDelay,
    ...(ssl && { tls: ssl, tlsServerName: brokers.every(isNamed) }),
    ...(sasl && { sasl: { ...sasl } })
  }
}
