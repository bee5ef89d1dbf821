import type { OpenSink } from '../../durability/open.ts'
import type { ArchiveLevels } from '../../model/operations/archive-levels.ts'
import type { Base } from './base.ts'

export interface ArchivedSink extends OpenSink {
  /** Undefined where there is no archive. */
  archiveLevels(): ArchiveLevels | undefined
}

/** The sink, with ARCHIVE beside it, which tells its troubles with those of the sink and ends after it. */
export async function withArchive(
  { config, live, clock, logger }: Base,
  sink: OpenSink,
  topics: () => readonly string[]
): Promise<ArchivedSink> {
  const { archive } = config
  const { kafka } = live
  if (archive === undefined || kafka === undefined) return { ...sink, archiveLevels: () => undefined }
  const { Archiver } = await import('../../durability/archive/archiver.ts')
  const { dir, retention } = archive
  const archiver = new Archiver({
    dir,
    settings: { ...kafka, clientId: `${kafka.clientId}-archive` },
    topics,
    retention: { ageMs: retention.maxAgeMs, bytes: retention.maxBytes },
    clock,
    log: logger
  })
  return {
    ...sink,
    archiveLevels: () => archiver.levels(),
    health() {
      const { ready, problems } = sink.health()
      return { ready, problems: [...problems, ...archiver.problems()] }
    },
    async close() {
      try {
        await sink.close()
      } finally {
        await archiver.close()
      }
    }
  }
}
