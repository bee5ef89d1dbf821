import { kafkaOptions } from '../../app/kafka-options.ts'
import { inspectKafka } from '../../durability/kafka/topics/inspect.ts'
import type { TopicPosition } from '../../durability/kafka/topics/cursors.ts'
import { readPieces } from '../../durability/kafka/topics/read-topics.ts'
import { CommandFailed } from '../command.ts'
import type { Source, SourceOptions } from './source.ts'

/**
 * Reads a topic from a time or from positions on, to its current end. Rejects with CommandFailed if there is no Kafka
 * or no such topic.
 *
 * @param since milliseconds since the epoch
 */
export async function openKafkaSource(
  topic: string,
  since: number,
  { config, positions }: SourceOptions
): Promise<Source> {
  const { kafka } = config
  if (kafka === undefined) throw new CommandFailed('--topic needs KAFKA_BROKERS')
  const settings = { ...kafkaOptions(config, kafka), clientId: 'tributary-cli' }
  const report = await asCommandFailed(() => inspectKafka(settings, [topic]))
  const [found] = report.topics
  if (found?.trouble !== undefined) throw new CommandFailed(`--topic: ${found.trouble}`)
  if (found?.exists !== true) throw new CommandFailed(`--topic: Kafka has no topic ${topic}`)
  const starts = positions as Readonly<Record<string, TopicPosition>>
  const pieces = readPieces({ settings, topics: [topic], since, starts })
  return {
    async *read() {
      try {
        for (;;) {
          const { done, value: piece } = await asCommandFailed(() => pieces.next())
          if (done === true) return
          const { name, values, position, amount, total } = piece
          yield { values, amount, total, positions: { [name]: position } }
        }
      } finally {
        await pieces.return(undefined)
      }
    }
  }
}

async function asCommandFailed<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw new CommandFailed((error as Error).message, { cause: error })
  }
}
