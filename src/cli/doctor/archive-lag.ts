import { resolve } from 'node:path'
import { kafkaOptions } from '../../app/kafka-options.ts'
import type { Config, KafkaConfig } from '../../config/env/config.ts'
import { readArchiveState, topicsIn } from '../../durability/archive/segments.ts'
import type { Lag } from '../../durability/kafka/topics/lag.ts'
import { lagOf } from '../../durability/kafka/topics/lag.ts'
import { createRouter } from '../../ingest/route/route.ts'
import type { KeyedTributaryFile } from '../../model/tributary-file.ts'
import { counted } from '../counted.ts'
import type { Finding } from './finding.ts'

/** A segment ends after five minutes; an archive that lacks older records than this does not keep up. */
const OVERDUE_MINUTES = 15

/** Compares ARCHIVE with Kafka: what it has still to read, and what it can no longer read. None where there is no archive. */
export async function checkArchiveLag(
  config: Config,
  kafka: KafkaConfig,
  file: KeyedTributaryFile | undefined
): Promise<Finding[]> {
  const dir = config.archive && resolve(config.archive.dir)
  // That the folder cannot be read is told by checkArchive().
  const state = dir === undefined ? undefined : await readArchiveState(dir).catch(() => undefined)
  if (state === undefined) return []
  const { eventsTopic, rejectedTopic, violationsTopic } = config
  const destinations = file?.file.destinations ?? []
  const router = createRouter({ eventsTopic, rejectedTopic, violationsTopic, destinations })
  const before = Date.now() - OVERDUE_MINUTES * 60_000
  const topics = [...new Set([...router.eventsTopics(file?.file.sources ?? []), ...topicsIn(state.positions)])]
  try {
    return judgeLag(await lagOf({ settings: kafkaOptions(config, kafka), topics, starts: state.positions, before }))
  } catch (error) {
    const says = `how far ARCHIVE is behind Kafka is not known: ${(error as Error).message}`
    return [{ level: 'warning', area: 'archive', says, todo: 'Give the user the right Read on the topics of events.' }]
  }
}

function judgeLag({ unread, overdue, deleted }: Lag): Finding[] {
  const found: Finding[] = []
  if (deleted > 0) {
    found.push({
      level: 'warning',
      area: 'archive',
      says: `Kafka has deleted ${counted(deleted, 'record')} that ARCHIVE has not read: they will be missing in it`,
      todo: 'Raise retention.ms of the topics, and keep the server that has ARCHIVE running: it reads what is left.'
    })
  }
  if (overdue > 0) {
    found.push({
      level: 'warning',
      area: 'archive',
      says: `ARCHIVE lacks ${counted(overdue, 'record')} that Kafka has had for more than ${OVERDUE_MINUTES} minutes`,
      todo: 'See /readyz of the server that has ARCHIVE: it does not run, cannot write the folder, or has too much to do.'
    })
  } else {
    found.push({
      level: 'ok',
      area: 'archive',
      says: `ARCHIVE has still to read ${counted(unread, 'record')} of Kafka`
    })
  }
  return found
}
