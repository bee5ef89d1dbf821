import { Admin } from '@platformatic/kafka'
import type { BaseOptions } from '@platformatic/kafka'
import { FleetTopicMissing } from './missing.ts'
import type { FleetTopicNames } from './names.ts'
import { fleetTopicNames, topicPlans } from './names.ts'
import { Producers } from './producers.ts'
import type { FleetReader, ReaderOptions } from './reader.ts'
import { openReader } from './reader.ts'

export interface FleetTopicsOptions {
  /** FLEET_NAME. */
  readonly fleet: string
  /** The client options for the cluster. */
  readonly client: BaseOptions
  /** Default: the broker's own. */
  readonly replicationFactor?: number | undefined
  /** Whether missing topics may be created. */
  readonly create: boolean
}

/** A record to be written; a null value is a tombstone. */
export interface FleetWrite {
  readonly key: string
  readonly value: Buffer | null
}

/** The topics of one fleet. */
export interface FleetTopics {
  readonly names: FleetTopicNames
  /** Creates missing topics. Rejects if Kafka cannot be reached or refuses one. */
  ensure(): Promise<void>
  /** Resolves with the offset of the first record once all in-sync replicas have all of them; rejects otherwise. */
  write(topic: string, records: readonly FleetWrite[]): Promise<bigint>
  /** Starts reading, and continues after every failure. */
  read(options: ReaderOptions): FleetReader
  /** Ends the connections and all readers. */
  close(): Promise<void>
}

export function openFleetTopics(options: FleetTopicsOptions): FleetTopics {
  const { fleet, client } = options
  const names = fleetTopicNames(fleet)
  const producers = new Producers(client)
  const readers = new Set<FleetReader>()

  return {
    names,
    ensure: () => ensureTopics(names, options),
    async write(topic, records) {
      const messages = records.map(({ key, value }) => ({
        topic,
        partition: 0,
        key: Buffer.from(key),
        ...(value === null ? {} : { value })
      }))
      const offset = await producers.send(messages)
      if (offset === undefined) throw new Error(`${topic}: Kafka did not say where the record is`)
      return offset
    },
    read(reading) {
      const reader = openReader(client, reading)
      readers.add(reader)
      return {
        silentMs: reader.silentMs,
        get isCaughtUp() {
          return reader.isCaughtUp
        },
        caughtUp: reader.caughtUp,
        async close() {
          readers.delete(reader)
          await reader.close()
        }
      }
    },
    async close() {
      await Promise.all([...readers].map(reader => reader.close()))
      await producers.close()
    }
  }
}

async function ensureTopics(names: FleetTopicNames, options: FleetTopicsOptions): Promise<void> {
  const { client, replicationFactor: replicas = -1, create } = options
  const admin = new Admin({ ...client, retries: 1 })
  try {
    const there = new Set(await admin.listTopics())
    for (const { topic, configs } of topicPlans(names)) {
      if (there.has(topic)) continue
      if (!create) throw new FleetTopicMissing(topic)
      const entries = Object.entries(configs).map(([name, value]) => ({ name, value }))
      await admin
        .createTopics({ topics: [topic], partitions: 1, replicas, configs: entries })
        .catch(async (error: unknown) => {
          // Another server was first.
          if (!(await admin.listTopics()).includes(topic)) throw error
        })
    }
  } finally {
    await admin.close().catch(() => undefined)
  }
}
