import { setTimeout as sleep } from 'node:timers/promises'
import type { OutgoingRecord } from '../../model/record.ts'
import { SinkUnavailable, type Sink } from '../../model/sink.ts'
import type { LaneEntry } from '../lanes/lane.ts'
import { ProducedOffsets } from './send/produced-offsets.ts'
import { KafkaLanes, type BackingLog } from './lanes.ts'
import { withDefaults, type KafkaSinkOptions } from './options.ts'

export interface KafkaSink extends Sink {
  /** Looks up topics, and creates them if that is allowed, before a record names them. health() reports failures. */
  ensureTopics(names: readonly string[]): void
  /** Bytes that wait for Kafka or are in flight; at most maxQueueBytes. */
  queuedBytes(): number
}

const DRAIN_POLL_MS = 5

/**
 * Kafka alone, without a log for its lanes: for tools that have the records elsewhere. publish() rejects with
 * SinkUnavailable for what Kafka does not confirm in time, and with RefusedRecords for what Kafka never accepts.
 */
export function createKafkaSink(options: KafkaSinkOptions): KafkaSink {
  const settings = withDefaults(options)
  let closed: Promise<void> | undefined
  const backing: BackingLog = {
    offsets: new ProducedOffsets(),
    end: 0,
    floor: 0,
    quickMs: Infinity,
    store: entries => lanes.board.notStored(entries, unavailable(entries)),
    storeRefused: async () => undefined,
    onChange: () => undefined,
    onRelayed: () => undefined
  }
  const lanes: KafkaLanes = new KafkaLanes(settings, backing)

  /** Why Kafka cannot take one of these records now. */
  function problemOf(records: readonly OutgoingRecord[]): string | undefined {
    const problems = records.flatMap(({ topics }) => topics).map(topic => lanes.problemOf(topic))
    return problems.find(problem => problem !== undefined)
  }

  /** The error names the first problem of these entries, or else that Kafka takes too long. */
  function unavailable(entries: readonly LaneEntry[]): SinkUnavailable {
    const late = `Kafka (${settings.brokers.join(', ')}) has not confirmed within ${settings.publishTimeoutMs} ms`
    return new SinkUnavailable(problemOf(entries.map(({ record }) => record)) ?? lanes.problems()[0] ?? late)
  }

  function refusal(records: readonly OutgoingRecord[]): string | undefined {
    if (closed !== undefined) return 'the Kafka sink is closing'
    if (!lanes.isConnected) return lanes.problems()[0]
    const bytes = lanes.board.bytes()
    return bytes > settings.maxQueueBytes ? `${bytes} bytes wait for Kafka already` : problemOf(records)
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
    queuedBytes: () => lanes.board.bytes(),
    close: () => (closed ??= close())
  }
}
