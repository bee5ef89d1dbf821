import { setTimeout as sleep } from 'node:timers/promises'
import type { OutgoingRecord } from '../../model/record.ts'
import { SinkUnavailable, type Sink } from '../../model/sink.ts'
import type { LaneEntry } from '../lanes/lane.ts'
import { ProducedOffsets } from './send/produced-offsets.ts'
import { KafkaLanes, type Backing } from './lanes.ts'
import { withDefaults, type KafkaSinkOptions } from './options.ts'

export interface KafkaSink extends Sink {
  /** Topics to look up, and create where that is allowed, before a record names them. What fails is in health(). */
  ensureTopics(names: readonly string[]): void
  /**
   * Which of the topics Kafka refuses as they are configured, and why, each in one line; makes what is missing where
   * that is allowed. Empty where Kafka does not answer within `timeoutMs`, since then nothing is known.
   */
  refusedTopics(names: readonly string[], timeoutMs: number): Promise<ReadonlyMap<string, string>>
  /** Bytes that wait for Kafka or are on their way; bounded by maxQueueBytes. */
  queuedBytes(): number
}

const DRAIN_POLL_MS = 5

/**
 * Kafka alone, without a log behind its lanes: for tools that have the records elsewhere. What Kafka does not confirm
 * in time rejects with SinkUnavailable; what it will never take as it is rejects with RefusedRecords.
 */
export function createKafkaSink(options: KafkaSinkOptions): KafkaSink {
  const settings = withDefaults(options)
  let closed: Promise<void> | undefined
  const backing: Backing = {
    offsets: new ProducedOffsets(),
    end: 0,
    floor: 0,
    quickMs: Infinity,
    store: entries => lanes.board.notStored(entries, unavailable(entries)),
    putAside: async () => undefined,
    onChange: () => undefined,
    onRelayed: () => undefined
  }
  const lanes: KafkaLanes = new KafkaLanes(settings, backing)

  /** In the words of the first trouble of these entries, or that Kafka takes too long. */
  function unavailable(entries: readonly LaneEntry[]): SinkUnavailable {
    const topics = entries.flatMap(({ record }) => record.topics)
    const known = topics.map(topic => lanes.problemOf(topic)).find(problem => problem !== undefined)
    const late = `Kafka (${settings.brokers.join(', ')}) has not confirmed within ${settings.publishTimeoutMs} ms`
    return new SinkUnavailable(known ?? lanes.problems()[0] ?? late)
  }

  function refusal(records: readonly OutgoingRecord[]): string | undefined {
    if (closed !== undefined) return 'the Kafka sink is closing'
    if (!lanes.isConnected) return lanes.problems()[0]
    const bytes = lanes.board.bytes()
    if (bytes > settings.maxQueueBytes) return `${bytes} bytes wait for Kafka already`
    for (const topic of records.flatMap(({ topics }) => topics)) {
      const problem = lanes.problemOf(topic)
      if (problem !== undefined) return problem
    }
    return undefined
  }

  async function close(): Promise<void> {
    while (lanes.openCalls() > 0) await sleep(DRAIN_POLL_MS)
    lanes.stop()
  }

  return {
    async publish(records) {
      const problem = refusal(records)
      if (problem !== undefined) throw new SinkUnavailable(problem)
      return await lanes.publish(records)
    },
    health() {
      const problems = lanes.problems()
      if (closed !== undefined) problems.unshift('the Kafka sink is closing')
      const isMoving = lanes.board.lanes.every(({ late, batch }) => !late || batch === undefined)
      return { ready: closed === undefined && lanes.isConnected && lanes.hasTopics && isMoving, problems }
    },
    ensureTopics: names => lanes.ensureTopics(names),
    refusedTopics: (names, timeoutMs) => lanes.refusedTopics(names, timeoutMs),
    queuedBytes: () => lanes.board.bytes(),
    close: () => (closed ??= close())
  }
}
