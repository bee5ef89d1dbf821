import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka as Client, logLevel, type Admin, type ConfigResourceTypes, type EachMessagePayload } from 'kafkajs'
import { until } from './until.ts'
import type { JavaProcess } from './kafka-process.ts'

/** One record as an independent client reads it. */
export interface ReadRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: string
  readonly key: string | null
  readonly value: string
  readonly headers: Readonly<Record<string, string>>
  /** Milliseconds since the epoch. */
  readonly timestamp: number
}

function client(brokers: readonly string[]): Client {
  return new Client({
    clientId: 'tributary-tests',
    brokers: [...brokers],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 2_000,
    requestTimeout: 10_000
  })
}

async function withAdmin<T>(brokers: readonly string[], work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = client(brokers).admin({ retry: { retries: 5, initialRetryTime: 100, maxRetryTime: 1_000 } })
  await admin.connect()
  try {
    return await work(admin)
  } finally {
    await admin.disconnect()
  }
}

/** Resolves when the broker is a member of its cluster and answers. Throws with its last output if it ends before. */
export async function waitForBroker(brokers: readonly string[], java: JavaProcess, timeoutMs = 180_000): Promise<void> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    if (!java.running()) throw new Error(`the Kafka broker ended: ${await java.ended}`)
    const admin = client(brokers).admin({ retry: { retries: 0 } })
    const alive = await admin
      .connect()
      .then(() => admin.describeCluster())
      .then(({ brokers }) => brokers.length > 0)
      .catch(() => false)
    await admin.disconnect().catch(() => {})
    if (alive) return
    if (Date.now() > deadline) throw new Error(`the Kafka broker did not answer in ${timeoutMs} ms`)
    await sleep(100)
  }
}

/** Creates the topic and waits for its leaders. `config` is the topic's own, e.g. max.message.bytes. */
export async function createTopic(
  brokers: readonly string[],
  topic: string,
  options: {
    readonly partitions?: number
    /** Default 1. */
    readonly replicas?: number
    readonly config?: Readonly<Record<string, string>>
  } = {}
): Promise<void> {
  const { partitions = 6, replicas = 1 } = options
  const configEntries = Object.entries(options.config ?? {}).map(([name, value]) => ({ name, value }))
  await withAdmin(brokers, async admin => {
    const wanted = { topic, numPartitions: partitions, replicationFactor: replicas, configEntries }
    await admin.createTopics({ topics: [wanted], waitForLeaders: false })
    const hasLeaders = async (): Promise<boolean> => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
      return topics.every(({ partitions }) => partitions.every(({ leader }) => leader >= 0))
    }
    // One broker of several may not know the topic yet.
    await until(() => hasLeaders().catch(() => false), { what: `leaders of ${topic}`, timeoutMs: 30_000 })
  })
}

/** kafkajs exports its enumeration in a way that ESM does not see. */
const TOPIC = 2 as ConfigResourceTypes

/** Changes the topic's own configuration, e.g. max.message.bytes. */
export async function configureTopic(
  brokers: readonly string[],
  topic: string,
  config: Readonly<Record<string, string>>
): Promise<void> {
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }))
  const resources = [{ type: TOPIC, name: topic, configEntries }]
  await withAdmin(brokers, admin => admin.alterConfigs({ validateOnly: false, resources }))
}

export async function deleteTopic(brokers: readonly string[], topic: string): Promise<void> {
  await withAdmin(brokers, admin => admin.deleteTopics({ topics: [topic] }))
}

/** Deletes records as retention does: the oldest records of each partition, up to these offsets. */
export async function deleteRecords(
  brokers: readonly string[],
  topic: string,
  partitions: readonly { readonly partition: number; readonly offset: string }[]
): Promise<void> {
  await withAdmin(brokers, async admin => {
    await admin.fetchTopicMetadata({ topics: [topic] })
    await admin.deleteTopicRecords({ topic, partitions: [...partitions] })
  })
}

/**
 * Writes values to a topic that exists, as any other producer would: one partition after the other, because kafkajs sends all
 * partitions of a request again where one of them has no leader yet.
 */
export async function produceValues(
  brokers: readonly string[],
  topic: string,
  records: readonly {
    readonly partition: number
    readonly key: string
    readonly value: string
    readonly timestamp: string
    readonly headers?: Record<string, string>
  }[]
): Promise<void> {
  const producer = client(brokers).producer()
  await producer.connect()
  try {
    for (const messages of Map.groupBy(records, ({ partition }) => partition).values())
      await producer.send({ topic, messages })
  } finally {
    await producer.disconnect()
  }
}

export interface PartitionOffsets {
  readonly partition: number
  /** The first existing offset. */
  readonly low: number
  /** One past the last. */
  readonly high: number
}

export async function topicOffsets(brokers: readonly string[], topic: string): Promise<PartitionOffsets[]> {
  return withAdmin(brokers, admin => fetchOffsets(admin, topic, Date.now() + 5_000))
}

/** Tries again while the partitions of a new topic are still being set up. */
async function fetchOffsets(admin: Admin, topic: string, deadline: number): Promise<PartitionOffsets[]> {
  for (;;) {
    try {
      const offsets = await admin.fetchTopicOffsets(topic)
      return offsets
        .map(({ partition, low, high }) => ({ partition, low: Number(low), high: Number(high) }))
        .sort((a, b) => a.partition - b.partition)
    } catch (error) {
      if ((error as { retriable?: boolean }).retriable !== true || Date.now() > deadline) throw error
      await sleep(50)
    }
  }
}

/**
 * Every record of the topic, by partition and offset. With `count`, waits until the topic has at least this many. Uses
 * kafkajs, a second implementation of the protocol. Throws after `timeoutMs` (20 s).
 */
export async function readTopic(
  brokers: readonly string[],
  topic: string,
  options: { readonly count?: number; readonly timeoutMs?: number } = {}
): Promise<ReadRecord[]> {
  const deadline = Date.now() + (options.timeoutMs ?? 20_000)
  const ends = await awaitOffsets(brokers, topic, { count: options.count ?? 0, deadline })
  const left = new Set(ends.filter(({ low, high }) => high > low).map(({ partition }) => partition))
  if (left.size === 0) return []
  const records = await consumeWithRetries(brokers, topic, { ends, left, deadline })
  return records.sort((a, b) => a.partition - b.partition || Number(a.offset) - Number(b.offset))
}

async function awaitOffsets(
  brokers: readonly string[],
  topic: string,
  until: { count: number; deadline: number }
): Promise<PartitionOffsets[]> {
  return withAdmin(brokers, async admin => {
    for (;;) {
      const offsets = await fetchOffsets(admin, topic, until.deadline)
      const held = offsets.reduce((sum, at) => sum + at.high - at.low, 0)
      if (held >= until.count) return offsets
      if (Date.now() > until.deadline) throw new Error(`${topic} holds ${held} records instead of ${until.count}`)
      await sleep(50)
    }
  })
}

/**
 * A broker that has just started does not yet know its consumer groups. The client then stops, and is started again.
 */
async function consumeWithRetries(
  brokers: readonly string[],
  topic: string,
  to: { ends: readonly PartitionOffsets[]; left: Set<number>; deadline: number }
): Promise<ReadRecord[]> {
  for (;;) {
    try {
      return await consumeTo(brokers, topic, { ...to, left: new Set(to.left) })
    } catch (error) {
      if ((error as { retriable?: boolean }).retriable !== true || Date.now() > to.deadline) throw error
      await sleep(100)
    }
  }
}

async function consumeTo(
  brokers: readonly string[],
  topic: string,
  to: { ends: readonly PartitionOffsets[]; left: Set<number>; deadline: number }
): Promise<ReadRecord[]> {
  const last = new Map(to.ends.map(({ partition, high }) => [partition, high - 1]))
  const records: ReadRecord[] = []
  const consumer = client(brokers).consumer({
    groupId: `reader-${topic}-${crypto.randomUUID()}`,
    maxWaitTimeInMs: 100,
    maxBytesPerPartition: 8 * 1024 * 1024
  })
  await consumer.connect()
  try {
    await consumer.subscribe({ topic, fromBeginning: true })
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`only ${records.length} records of ${topic} could be read`)),
        to.deadline - Date.now()
      )
      consumer.on('consumer.crash', ({ payload }) => reject(payload.error))
      const eachMessage = async (payload: EachMessagePayload): Promise<void> => {
        const end = last.get(payload.partition) ?? -1
        const offset = Number(payload.message.offset)
        if (offset <= end) records.push(toRecord(payload))
        if (offset >= end) to.left.delete(payload.partition)
        if (to.left.size > 0) return
        clearTimeout(timer)
        resolve()
      }
      consumer.run({ eachMessage, autoCommit: false }).catch(reject)
    })
  } finally {
    await consumer.disconnect()
  }
  return records
}

function toRecord({ topic, partition, message }: EachMessagePayload): ReadRecord {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(message.headers ?? {})) headers[name] = String(value)
  return {
    topic,
    partition,
    offset: message.offset,
    key: message.key?.toString('utf8') ?? null,
    value: message.value?.toString('utf8') ?? '',
    headers,
    timestamp: Number(message.timestamp)
  }
}
