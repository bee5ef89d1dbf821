import { basename, dirname, resolve } from 'node:path'
import type { Values } from './variables.ts'

/** What the server keeps in DATA_DIR. */
const FOLDERS = ['', 'events', 'rejected', 'violations', 'spool', 'dedupe', 'lock', 'oauth']
const OF_A_WORKER = /^worker-\d+$/

/** What is wrong with ARCHIVE, in sentences. */
export function archiveContradictions({ ARCHIVE, DATA_DIR, KAFKA_BROKERS }: Values): string[] {
  if (ARCHIVE === undefined) return []
  if ((KAFKA_BROKERS ?? []).length === 0) {
    return [
      'ARCHIVE needs KAFKA_BROKERS: without Kafka the log in DATA_DIR keeps the events, and "tributary replay" reads it'
    ]
  }
  const isOfWorker = dirname(resolve(ARCHIVE)) === resolve(DATA_DIR) && OF_A_WORKER.test(basename(ARCHIVE))
  const isTaken = isOfWorker || FOLDERS.some(name => resolve(DATA_DIR, name) === resolve(ARCHIVE))
  return isTaken ? [`ARCHIVE=${ARCHIVE} is a folder that DATA_DIR uses: give the archive one of its own`] : []
}
