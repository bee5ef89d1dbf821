import { setTimeout as sleep } from 'node:timers/promises'
import type { FleetTopics, FleetWrite } from '../topics/topics.ts'
import { ConfigLog } from './config-log.ts'

export interface ConfigTopicOptions {
  readonly topics: FleetTopics
  /** Called when another version is in force in the topic. */
  readonly onVersion?: () => void
  readonly onTrouble?: (error: unknown) => void
}

/** The configuration topic, read from its beginning and followed. */
export interface ConfigTopic {
  readonly log: ConfigLog
  /** Whether all records that were in the topic at the start were read. */
  readonly isRead: boolean
  /** Milliseconds since Kafka last answered. */
  silentMs(): number
  read(): Promise<void>
  /** Writes records, and reads up to them. Rejects if Kafka does not confirm them. */
  write(records: readonly FleetWrite[]): Promise<void>
  /** Resolves with whether `holds` becomes true within `timeoutMs`. */
  until(holds: () => boolean, timeoutMs: number): Promise<boolean>
  close(): Promise<void>
}

const POLL_MS = 10
/** A confirmed record is normally read within this time. */
const READ_BACK_MS = 10_000

export function followConfigTopic({ topics, onVersion, onTrouble }: ConfigTopicOptions): ConfigTopic {
  const log = new ConfigLog(() => performance.now())
  const reader = topics.read({
    topic: topics.names.config,
    from: 'beginning',
    onRecords: records => {
      if (log.take(records)) onVersion?.()
    },
    ...(onTrouble === undefined ? {} : { onTrouble })
  })

  async function until(holds: () => boolean, timeoutMs: number): Promise<boolean> {
    const deadline = performance.now() + timeoutMs
    while (!holds()) {
      if (performance.now() > deadline) return false
      await sleep(POLL_MS)
    }
    return true
  }

  return {
    log,
    get isRead() {
      return reader.isCaughtUp
    },
    silentMs: () => reader.silentMs(),
    read: () => reader.caughtUp(),
    async write(records) {
      const offset = await topics.write(topics.names.config, records)
      const end = offset + BigInt(records.length) - 1n
      if (!(await until(() => log.lastOffset >= end, READ_BACK_MS))) {
        throw new Error('Kafka took the record and does not give it back: see "tributary config history"')
      }
    },
    until,
    close: () => reader.close()
  }
}
