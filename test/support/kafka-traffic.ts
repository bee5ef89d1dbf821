import { setTimeout as sleep } from 'node:timers/promises'
import { isSinkUnavailable, type Sink } from '../../src/model/sink.ts'
import { eventRecord } from './kafka-sink.ts'
import { readTopic, type Kafka } from './kafka.ts'

export interface Traffic {
  /** The messageIds, in order, that the sink confirmed. */
  readonly acked: readonly string[]
  readonly rejected: number
  /** The duration of the slowest rejected publish, in milliseconds. */
  readonly slowestRejection: number
  stop(): Promise<void>
}

const USERS = 20
const PAUSE_MS = 2

/** Publishes a numbered event for one of 20 users every 2 ms, and stores which were confirmed. Sends nothing twice. */
export function startTraffic(sink: Sink, topic: string): Traffic {
  const acked: string[] = []
  const open = new Set<Promise<void>>()
  const result = { acked, slowestRejection: 0, rejected: 0 }
  let running = true

  const publish = async (messageId: string, key: string): Promise<void> => {
    const startedAt = performance.now()
    try {
      await sink.publish([eventRecord({ messageId, key, topics: [topic] })])
      acked.push(messageId)
    } catch (error) {
      if (!isSinkUnavailable(error)) throw error
      result.rejected++
      result.slowestRejection = Math.max(result.slowestRejection, performance.now() - startedAt)
    }
  }

  const loop = (async () => {
    for (let i = 0; running; i++) {
      const publishing = publish(String(i), `user-${i % USERS}`)
      open.add(publishing)
      void publishing.finally(() => open.delete(publishing))
      await sleep(PAUSE_MS)
    }
    await Promise.all(open)
  })()
  const stop = async (): Promise<void> => {
    running = false
    await loop
  }
  return Object.assign(result, { stop })
}

/** The confirmed events of startTraffic() that the topic lacks, has twice, or has out of order for a user. */
export async function verdict(
  kafka: Kafka,
  topic: string,
  acked: readonly string[]
): Promise<{ missing: number; duplicates: number; disorder: number }> {
  const read = await readTopic(kafka.brokers, topic)
  const stored = new Set(read.map(({ headers }) => headers['messageId']))
  const missing = acked.filter(id => !stored.has(id)).length
  const last = new Map<string, number>()
  let disorder = 0
  for (const { key, headers } of read) {
    const at = Number(headers['messageId'])
    if (at < (last.get(key ?? '') ?? -1)) disorder++
    last.set(key ?? '', at)
  }
  return { missing, duplicates: read.length - stored.size, disorder }
}
