import { kafkaOptions } from '../../app/kafka-options.ts'
import type { Config } from '../../config/env/config.ts'
import { topicTemplateFault } from '../../config/topic-template.ts'
import { createKafkaSink } from '../../durability/kafka/kafka-sink.ts'
import type { OutgoingRecord } from '../../model/record.ts'
import { isSinkUnavailable } from '../../model/sink.ts'
import type { Sink } from '../../model/sink.ts'
import type { ParsedArguments, Terminal } from '../command.ts'
import { CommandFailed, UsageError } from '../command.ts'

const PUBLISH_TIMEOUT_MS = 15_000
const PAUSE_MS = 250

/** Opens a sink for one topic, which is created if it is missing and KAFKA_CREATE_TOPICS allows it. Throws CommandFailed without KAFKA_BROKERS. */
export function openTopic(config: Config, topic: string, terminal: Terminal): Sink {
  if (config.kafka === undefined) throw new CommandFailed('KAFKA_BROKERS is not set: there is no Kafka to send to')
  const quiet = { info: () => undefined, warn: (says: string) => terminal.note(says), error: terminal.note }
  const options = kafkaOptions({ publishTimeoutMs: PUBLISH_TIMEOUT_MS }, config.kafka)
  const sink = createKafkaSink({ ...options, log: quiet })
  sink.ensureTopics([topic])
  return sink
}

/** Publishes records, and retries for `retryForMs` while Kafka is unavailable; then rejects with CommandFailed. */
export async function publishWithRetries(
  sink: Sink,
  records: readonly OutgoingRecord[],
  retryForMs: number
): Promise<void> {
  if (records.length === 0) return
  const end = performance.now() + retryForMs
  for (;;) {
    try {
      await sink.publish(records)
      return
    } catch (error) {
      if (isSinkUnavailable(error) && performance.now() < end) {
        await new Promise(resolve => setTimeout(resolve, PAUSE_MS))
        continue
      }
      throw new CommandFailed((error as Error).message)
    }
  }
}

/** The value of `--topic`. Throws UsageError if it is missing or no valid name of a topic. */
export function topicOption({ texts }: ParsedArguments): string {
  const { topic } = texts
  if (topic === undefined) throw new UsageError('--topic is missing')
  const fault = /[{}]/.test(topic) ? 'placeholders have no meaning here' : topicTemplateFault(topic)
  if (fault !== undefined) throw new UsageError(`--topic "${topic}": ${fault}`)
  return topic
}
