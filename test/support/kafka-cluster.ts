import { Kafka as Client, logLevel } from 'kafkajs'

/** One record of some topic. */
export interface ClusterRecord {
  readonly topic: string
  readonly partition: number
  readonly key: string
  readonly value: string
}

/**
 * Reads every topic of the cluster that is not Kafka's own, up to its current end, and passes each record on, those of
 * one partition in order. Resolves with the names of all topics. Uses kafkajs, a second implementation of the protocol.
 * Throws if this takes longer than `timeoutMs`.
 */
export async function readCluster(
  brokers: readonly string[],
  onRecord: (record: ClusterRecord) => void,
  timeoutMs: number
): Promise<readonly string[]> {
  const client = new Client({ clientId: 'tributary-tests', brokers: [...brokers], logLevel: logLevel.NOTHING })
  const admin = client.admin()
  await admin.connect()
  const topics = (await admin.listTopics()).filter(topic => !topic.startsWith('__'))
  const left = new Map<string, bigint>()
  for (const topic of topics) {
    for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
      if (high !== low) left.set(`${topic} ${partition}`, BigInt(high) - 1n)
    }
  }
  await admin.disconnect()
  const consumer = client.consumer({
    groupId: `reader-${crypto.randomUUID()}`,
    maxWaitTimeInMs: 100,
    maxBytesPerPartition: 1024 * 1024
  })
  await consumer.connect()
  try {
    await consumer.subscribe({ topics, fromBeginning: true })
    await new Promise<void>((resolve, reject) => {
      const words = (): string => `not read to the end in ${timeoutMs} ms: ${[...left.keys()].join(', ')}`
      const timer = setTimeout(() => reject(new Error(words())), timeoutMs)
      consumer.on('consumer.crash', ({ payload }) => reject(payload.error))
      const eachBatch = async ({ batch }: { batch: Batch }): Promise<void> => {
        const { topic, partition, messages } = batch
        for (const { key, value } of messages) {
          onRecord({ topic, partition, key: key?.toString() ?? '', value: value?.toString() ?? '' })
        }
        const end = left.get(`${topic} ${partition}`)
        if (end !== undefined && BigInt(batch.lastOffset()) >= end) left.delete(`${topic} ${partition}`)
        if (left.size > 0) return
        clearTimeout(timer)
        resolve()
      }
      consumer.run({ eachBatch, autoCommit: false, partitionsConsumedConcurrently: 4 }).catch(reject)
    })
  } finally {
    await consumer.disconnect()
  }
  return topics
}

interface Batch {
  readonly topic: string
  readonly partition: number
  readonly messages: readonly { readonly key: Buffer | null; readonly value: Buffer | null }[]
  lastOffset(): string
}
