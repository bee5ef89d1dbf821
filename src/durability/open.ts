import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../model/clock.ts'
import type { Sink } from '../model/sink.ts'
import type { LogLines, SegmentLog, Write } from './log/contract.ts'
import { createLogSink } from './log/log-sink.ts'
import { startRetention, type RetentionPolicy } from './log/retention.ts'
import { openSegmentLog } from './log/write/segment-log.ts'
import type { KafkaSinkOptions } from './kafka/options.ts'
import type { LaneSinkOptions } from './spool/lane-sink.ts'
import { createRefusedFile } from './spool/refused-file.ts'
import { openSpoolLog } from './spool/spool-log.ts'

export interface SinkOptions extends Pick<LaneSinkOptions, 'restorer' | 'drainMs' | 'inFlightMs' | 'onRelayed'> {
  readonly dataDir: string
  /** Undefined: only the event log is used. */
  readonly kafka: Omit<KafkaSinkOptions, 'log' | 'onProduced'> | undefined
  /** Topics to look up before the first event, and to create if that is allowed. */
  readonly topics: readonly string[]
  /** Whether records of violations can occur. */
  readonly hasViolations?: boolean
  readonly spoolMaxBytes: number
  readonly retention: RetentionPolicy
  readonly clock: Clock
  readonly log: LogLines
  readonly onWrite: (sink: SinkName, write: Write) => void
}

export type SinkName = 'kafka' | LogName
type LogName = 'events' | 'rejected' | 'violations' | 'spool'

export interface OpenSink extends Sink {
  /** Creates topics that the configuration names now. */
  ensureTopics(names: readonly string[]): void
  /**
   * The topics that Kafka refuses as they are configured, each with the reason in one line. Empty if Kafka does not
   * answer within `timeoutMs`, and without Kafka.
   */
  refusedTopics(names: readonly string[], timeoutMs: number): Promise<ReadonlyMap<string, string>>
  /** Bytes on disk and bytes that wait to be written, by folder or sink, and the bytes that Kafka has not confirmed. */
  levels(): {
    readonly disk: Partial<Record<LogName, number>>
    readonly queued: Partial<Record<SinkName, number>>
    readonly backlog: number
    /** Undefined without Kafka. */
    readonly lanes?: {
      /** Whether Kafka is reached now, and accepts records. */
      readonly reached: boolean
      /** How many topic-partitions are late. */
      readonly late: number
      /** The most bytes that all lanes may keep in memory. */
      readonly maxBytes: number
      /** Milliseconds for which a broker throttles this server. */
      readonly throttledMs: number
    }
  }
}

/** Wraps a sink that was passed in. It has no folder and no topics. */
export function asOpenSink(sink: Sink): OpenSink {
  return {
    publish: records => sink.publish(records),
    health: () => sink.health(),
    close: () => sink.close(),
    ensureTopics: () => undefined,
    refusedTopics: async () => new Map(),
    levels: () => ({ disk: {}, queued: {}, backlog: 0 })
  }
}

/** Opens the sink that the configuration selects: the event log, or Kafka with the event log as its spool. */
export async function openSink(options: SinkOptions): Promise<OpenSink> {
  return options.kafka === undefined ? openLog(options) : openKafka(options, options.kafka)
}

async function openLog(options: SinkOptions): Promise<OpenSink> {
  const { dataDir, clock, log } = options
  const events = await openFolder(options, 'events')
  const rejected = await openFolder(options, 'rejected')
  const isWanted = options.hasViolations === true || existsSync(join(dataDir, 'violations'))
  const logs = { events, rejected, ...(isWanted ? { violations: await openFolder(options, 'violations') } : {}) }
  const spool = join(dataDir, 'spool')
  if (existsSync(spool)) {
    log.warn({ dir: spool }, 'a spool is there from a start with KAFKA_BROKERS; it waits for Kafka')
  }
  const stopRetention = startRetention({ logs: Object.values(logs), policy: options.retention, clock, log })
  const sink = createLogSink(logs)
  return {
    ...asOpenSink(sink),
    levels: () => ({ ...levelsOf(logs), backlog: 0 }),
    async close() {
      await stopRetention()
      await sink.close()
    }
  }
}

async function openKafka(options: SinkOptions, kafka: NonNullable<SinkOptions['kafka']>): Promise<OpenSink> {
  const { dataDir, spoolMaxBytes, clock, log } = options
  // The client is a third of everything that a start loads, so it is loaded only with Kafka.
  const { LaneSink } = await import('./spool/lane-sink.ts')
  const { withDefaults } = await import('./kafka/options.ts')
  const spool = await openFolder(options, 'spool', spoolMaxBytes)
  // Records that an earlier start without Kafka has kept come first, and stay.
  const kept: Partial<Record<LogName, SegmentLog>> = {}
  for (const name of ['events', 'rejected', 'violations'] as const) {
    if (existsSync(join(dataDir, name))) kept[name] = await openFolder(options, name)
  }
  const keptLogs = Object.values(kept)
  const spoolLog = await openSpoolLog({ kept: keptLogs, spool, log })
  const sink = new LaneSink({
    ...options,
    settings: withDefaults({ ...kafka, log: kafkaLog(log), onProduced: write => options.onWrite('kafka', write) }),
    spool,
    maxBytes: spoolMaxBytes,
    spoolLog,
    refused: createRefusedFile({ dir: spool.dir, maxBytes: spoolMaxBytes, now: clock.now }),
    monotonic: clock.monotonic
  })
  sink.lanes.ensureTopics(options.topics)
  const stopRetention = startRetention({
    logs: keptLogs,
    // Events that Kafka does not have yet must not be deleted, however old they are.
    isExpendable: kept => spoolLog.isDelivered(kept, sink.lanes.board.floor()),
    policy: options.retention,
    clock,
    log
  })
  return {
    publish: records => sink.publish(records),
    health: () => sink.health(),
    ensureTopics: names => sink.ensureTopics(names),
    refusedTopics: (names, timeoutMs) => sink.lanes.refusedTopics(names, timeoutMs),
    levels() {
      const { disk, queued } = levelsOf({ ...kept, spool })
      const backlog = sink.backlogBytes()
      return { disk, queued: { ...queued, kafka: sink.queuedBytes() }, backlog, lanes: sink.lanes.levels() }
    },
    async close() {
      await stopRetention()
      await sink.close()
      await Promise.all(keptLogs.map(kept => kept.close()))
    }
  }
}

function openFolder(options: SinkOptions, name: LogName, maxBytes = Infinity): Promise<SegmentLog> {
  const { dataDir, clock, log, onWrite } = options
  return openSegmentLog({
    dir: join(dataDir, name),
    clock,
    log,
    maxBytes,
    onCommit: write => onWrite(name, write)
  })
}

function levelsOf(logs: Partial<Record<LogName, SegmentLog>>) {
  const all = Object.entries(logs)
  return {
    disk: Object.fromEntries(all.map(([name, log]) => [name, log.bytes()])),
    queued: Object.fromEntries(all.map(([name, log]) => [name, log.queuedBytes()]))
  }
}

function kafkaLog(log: LogLines): KafkaSinkOptions['log'] {
  return {
    info: message => log.info({}, message),
    warn: message => log.warn({}, message),
    error: message => log.error({}, message)
  }
}
