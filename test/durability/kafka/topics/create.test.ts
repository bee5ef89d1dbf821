import t from 'tap'
import type { ClusterClient } from '../../../../src/durability/kafka/connect/cluster-client.ts'
import { createMissing } from '../../../../src/durability/kafka/topics/look-up.ts'

t.test('the log has each topic that was created, although a request for other topics fails after it', async t => {
  const logged: string[] = []
  const log = (line: string): void => void logged.push(line)
  const createTopics = async ({ topics }: { topics: { topic: string }[] }): Promise<void> => {
    if (topics.some(({ topic }) => topic === 'short-lived')) throw new Error('the connection was closed')
  }
  const settings = {
    topics: { create: true, partitions: 3, settings: () => [{ name: 'short-lived', retentionMs: 1_000 }] },
    log: { info: log, warn: log, error: log }
  }
  const client = { createTopics } as unknown as ClusterClient
  await t.rejects(createMissing(client, settings, ['events', 'short-lived']), { message: 'the connection was closed' })
  t.strictSame(logged, ['Kafka topic events created with 3 partitions'])
})
