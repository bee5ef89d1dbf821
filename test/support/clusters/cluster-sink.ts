import type { Test } from 'tap'
import { readEnvironment } from '../../../src/config/env/environment.ts'
import { followFiles } from '../../../src/config/env/followed-files.ts'
import { kafkaOptions } from '../../../src/app/kafka-options.ts'
import { startSink, type WatchedSink } from '../kafka-sink.ts'
import { until } from '../until.ts'

export interface ClusterSink extends WatchedSink {
  /** Resolves when it can publish. */
  ready(): Promise<ClusterSink>
}

const PUBLISH_TIMEOUT_MS = 10_000

/** Creates a Kafka sink as the server does from these variables, and follows their files. Closes it with the test. */
export function startClusterSink(t: Test, env: Record<string, string>, topics: readonly string[]): ClusterSink {
  const config = readEnvironment(env)
  if (config.kafka === undefined) throw new Error('KAFKA_BROKERS is missing')
  const logged: string[] = []
  const log = (_facts: object, message: string): void => void logged.push(message)
  const files = followFiles({ files: config.files, log: { info: log, error: log } })
  t.teardown(() => files.close())
  const { brokers, ...options } = kafkaOptions({ publishTimeoutMs: PUBLISH_TIMEOUT_MS }, config.kafka, files.follow)
  const note = (message: string): void => void logged.push(message)
  const sinkLog = { info: note, warn: note, error: note }
  const watched = startSink(t, brokers, { ...options, wanted: topics, log: sinkLog })
  const sink: ClusterSink = {
    ...watched,
    logged,
    async ready() {
      const seen = (): string => watched.sink.health().problems.join('; ')
      await until(() => watched.sink.health().ready, { what: 'the sink to be ready', timeoutMs: 60_000, seen })
      return sink
    }
  }
  return sink
}

/**
 * Asserts that a sink with these variables says why it cannot publish, in these words, and shows no secret. A broker
 * may close the connection before its error arrives: then the next attempt shows it.
 */
export async function isSaid(t: Test, env: Record<string, string>, words: RegExp): Promise<void> {
  const { sink, logged } = startClusterSink(t, env, ['x'])
  const seen = (): string => sink.health().problems.join('; ')
  await until(() => words.test(sink.health().problems[0] ?? ''), { what: String(words), timeoutMs: 60_000, seen })
  t.equal(sink.health().ready, false)
  t.notMatch(
    JSON.stringify([sink.health().problems, logged]),
    /swordfish|wrong-secret|wonderland/,
    'no password is in the problems or the log'
  )
}
