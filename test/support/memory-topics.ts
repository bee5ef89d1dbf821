import type { FleetRecord, FleetReader, ReaderOptions } from '../../src/fleet/topics/reader.ts'
import { fleetTopicNames } from '../../src/fleet/topics/names.ts'
import type { FleetTopics, FleetWrite } from '../../src/fleet/topics/topics.ts'

/** The topics of a fleet without Kafka: each write is read by all readers at once, in order. */
export class MemoryTopics implements FleetTopics {
  readonly names = fleetTopicNames('memory')
  /** Whether writes fail. */
  isAway = false
  /** Whether writes are accepted and never confirmed. */
  isSilent = false
  readonly #records = new Map<string, FleetRecord[]>()
  readonly #readers = new Set<ReaderOptions>()

  ensure(): Promise<void> {
    return Promise.resolve()
  }

  records(topic: string): readonly FleetRecord[] {
    return this.#records.get(topic) ?? []
  }

  write(topic: string, writes: readonly FleetWrite[]): Promise<bigint> {
    if (this.isAway) return Promise.reject(new Error('Kafka is away'))
    const known = this.#records.get(topic) ?? []
    const first = BigInt(known.length)
    const added = writes.map(({ key, value }, at) => ({ offset: first + BigInt(at), at: Date.now(), key, value }))
    this.#records.set(topic, [...known, ...added])
    for (const reader of this.#readers) if (reader.topic === topic) reader.onRecords(added)
    return this.isSilent ? new Promise(() => undefined) : Promise.resolve(first)
  }

  read(options: ReaderOptions): FleetReader {
    this.#readers.add(options)
    if (options.from !== 'end') options.onRecords(this.records(options.topic))
    options.onCaughtUp?.()
    return {
      silentMs: () => 0,
      isCaughtUp: true,
      caughtUp: () => Promise.resolve(),
      close: () => {
        this.#readers.delete(options)
        return Promise.resolve()
      }
    }
  }

  close(): Promise<void> {
    this.#readers.clear()
    return Promise.resolve()
  }
}
