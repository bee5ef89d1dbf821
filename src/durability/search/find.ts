import { dirname, join } from 'node:path'
import type { Background } from '../../model/background.ts'
import type { Placement } from '../../model/sink.ts'
import { findInArchive } from './find-in-archive.ts'
import { findInLog } from './find-in-log.ts'
import { linesAt } from './line-numbers.ts'
import type { FindInKafkaOptions } from './find-in-kafka.ts'
import { findRefused } from './find-refused.ts'

/** A record that was found by its messageId. */
export interface FoundRecord {
  readonly place: Placement
  /** JSON. */
  readonly value: string
  /** Milliseconds since the epoch; undefined if the place has no time. */
  readonly at?: number
  /** The number of the line in its file, from 1. */
  readonly line?: number
}

type Find = (
  messageId: string,
  signal: AbortSignal,
  since?: number
) => Promise<{ readonly records: readonly FoundRecord[]; readonly complete: boolean; readonly back?: number }>

export interface FindersOptions {
  readonly dataDir: string
  /** Undefined: there is no Kafka to search. */
  readonly kafka: FindInKafkaOptions['settings'] | undefined
  /** The topics that may contain records now. */
  readonly topics: () => readonly string[]
  /** ARCHIVE; undefined where this server has none. */
  readonly archive: string | undefined
  readonly now: () => number
  readonly background: Background
}

/** How far back Kafka is searched, in milliseconds. */
const KAFKA_LOOK_BACK_MS = 60 * 60 * 1000

/** Finds stored records by messageId: on disk, in the last hour of Kafka, and in the archive. */
export function createFinders(options: FindersOptions) {
  const { dataDir, kafka, topics, archive, now, background } = options
  const dirs = ['events', 'spool', 'rejected', 'violations'].map(name => join(dataDir, name))

  const log: Find = async (messageId, signal) => {
    const { records, complete } = await findInLog({ dirs, messageId, signal, background })
    const found = records.map(({ file, position, line, value }): FoundRecord => ({
      place: { store: dirname(file) === 'spool' ? 'spool' : 'log', file, position },
      ...(line === undefined ? {} : { line }),
      value
    }))
    return { complete, records: [...found, ...(await findRefused(dataDir, messageId))] }
  }

  const inKafka = async (
    settings: FindInKafkaOptions['settings'],
    ...[messageId, signal, from = Infinity]: Parameters<Find>
  ) => {
    // As in open.ts: without Kafka, none of its code is loaded.
    const { findInKafka } = await import('./find-in-kafka.ts')
    const since = Math.min(from, now() - KAFKA_LOOK_BACK_MS)
    const wanted = { messageId, since, signal, background }
    const { records, complete } = await findInKafka({ settings, topics: topics(), ...wanted })
    const found = records.map(({ topic, partition, offset, at, value }): FoundRecord => ({
      place: { store: 'kafka', topic, partition, offset },
      at,
      value
    }))
    return { records: found, complete }
  }

  const inArchive = async (dir: string, ...[messageId, signal]: Parameters<Find>) => {
    const { records, ...rest } = await findInArchive({ dir, messageId, signal, background })
    const found = records.map(({ file, position, line, value }): FoundRecord => ({
      place: { store: 'archive', file, position },
      line,
      value
    }))
    return { records: found, ...rest }
  }

  return {
    log,
    kafka: kafka === undefined ? undefined : (((...search) => inKafka(kafka, ...search)) satisfies Find),
    archive: archive === undefined ? undefined : (((id, signal) => inArchive(archive, id, signal)) satisfies Find),
    /** The number of the line at each placement on disk; undefined for other placements, and if the line is gone. */
    async linesOf(places: readonly Placement[], signal: AbortSignal): Promise<readonly (number | undefined)[]> {
      const lines: (number | undefined)[] = places.map(() => undefined)
      for (const [file, own] of Map.groupBy(places.entries(), ([, place]) => place.file)) {
        if (file === undefined) continue
        const positions = own.map(([, { position = 0 }]) => position)
        const found = await linesAt(join(dataDir, file), positions, { signal, background })
        for (const [at, [index, place]] of own.entries()) if (place.position !== undefined) lines[index] = found[at]
      }
      return lines
    }
  }
}
