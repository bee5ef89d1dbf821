import { join } from 'node:path'
import type { Config } from '../../config/env/config.ts'
import { readLog } from '../../durability/log/read/log-reader.ts'
import { ifThere } from '../../durability/log/segment/files.ts'
import { readSegmentFolder } from '../../durability/log/segment/segment-folder.ts'
import { recordFolders } from '../../fleet/workers/folders.ts'
import { HardValueReport } from '../../model/reading/hard-value-report.ts'
import { HARD_VALUES } from '../../model/reading/hard-values.ts'
import { printable } from '../printable.ts'
import type { Finding } from './finding.ts'

const FOLDERS = ['events', 'spool'] as const
const TODO = 'docs/reading.md has commands that read them; "tributary trace" shows one of the events.'

/**
 * Reads the whole log, and reports values that common readers cannot read or misread, by event, property and kind, the most
 * frequent first. Changes nothing; a server may be writing. Rejects with the file system's error.
 *
 * @param note called with a message about damaged lines, which are skipped
 */
export async function checkLog({ dataDir }: Config, note: (text: string) => void): Promise<Finding[]> {
  const report = new HardValueReport()
  for (const home of await recordFolders(dataDir)) {
    for (const folder of FOLDERS) await readFolder(join(home, folder), report, note)
  }
  const found = report.list().map(({ event, path, kind, count, messageId }): Finding => ({
    level: 'warning',
    area: 'log',
    says: printable(`${times(count)} "${event}", ${path}: ${HARD_VALUES[kind]} (latest: ${messageId})`),
    todo: TODO,
    hardValue: { event, path, kind, count, messageId }
  }))
  if (report.omitted > 0) {
    found.push({
      level: 'note',
      area: 'log',
      says: `${report.omitted} more such values at other places were not listed`
    })
  }
  if (found.length > 0) return found
  return [
    {
      level: 'ok',
      area: 'log',
      says: `common readers can read ${report.events === 1 ? 'the one event' : `all ${report.events} events`}`
    }
  ]
}

function times(count: number): string {
  return count === 1 ? '1 event' : `${count} events`
}

async function readFolder(dir: string, report: HardValueReport, note: (text: string) => void): Promise<void> {
  const source = await ifThere(readSegmentFolder(dir))
  if (source === undefined) return
  const print = (_fields: object, message: string): void => note(`${dir}: ${message}`)
  for await (const { lines } of readLog({ source, log: { info: () => undefined, warn: print, error: print } })) {
    for (const line of lines) report.add(line.toString('utf8', 0, line.length - 1))
  }
}
