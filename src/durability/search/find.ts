import { join } from 'node:path'
import type { Background } from '../../model/background.ts'
import type { Placement } from '../../model/sink.ts'
import { findInArchive } from './find-in-archive.ts'
import { findInLog } from './find-in-log.ts'
import { linesAt } from './line-numbers.ts'
import type { FindInKafkaOptions } from './find-in-kafka.ts'
import { findRefused } from './find-refused.ts'
import type { SearchResult } from './search.ts'

type Find = (messageId: string, signal: AbortSignal, since?: number) => Promise<SearchResult>

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
    const { records, complete } = await findInLog(dirs, { messageId, signal, background })
    return { complete, records: [...records, ...(await findRefused(dataDir, messageId))] }
  }

  const inKafka = (settings: FindInKafkaOptions['settings']): Find => {
    return async (messageId, signal, from = Infinity) => {
      // As in open.ts: without Kafka, none of its code is loaded.
      const { findInKafka } = await import('./find-in-kafka.ts')
      const since = Math.min(from, now() - KAFKA_LOOK_BACK_MS)
      return await findInKafka({ settings, topics: topics(), since, messageId, signal, background })
    }
  }

  const inArchive = (dir: string): Find => {
    return (messageId, signal) => findInArchive(dir, { messageId, signal, background })
  }

  return {
    log,
    kafka: kafka && inKafka(kafka),
    archive: archive === undefined ? undefined : inArchive(archive),
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
