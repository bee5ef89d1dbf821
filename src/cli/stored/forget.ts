import { randomUUID } from 'node:crypto'
import { readEnvironment } from '../../config/env/environment.ts'
import type { Config } from '../../config/env/config.ts'
import { lockDataDir } from '../../durability/data-dir-lock.ts'
import { ArchiveInUse } from '../../durability/archive/folder.ts'
import { eraseFromArchive } from '../../durability/erase/erase-archive.ts'
import { eraseFromDataDir, StillWaiting } from '../../durability/erase/erase-folder.ts'
import type { Erased, EraseOptions } from '../../durability/erase/erasure.ts'
import { filesHolding } from '../../durability/erase/files-holding.ts'
import { recordFolders } from '../../fleet/workers/folders.ts'
import { aboutUsers } from '../../governance/forget/about-users.ts'
import type { OutgoingRecord } from '../../model/record.ts'
import { createRecord } from '../../model/record.ts'
import { auditCommand } from '../audited.ts'
import type { Command, Terminal } from '../command.ts'
import { CommandFailed, EventsLeft, parseArguments, UsageError } from '../command.ts'
import { openTopic, publishWithRetries, topicOption } from './publish.ts'
import { counted } from '../counted.ts'

/** How long to wait for Kafka, which may be starting. */
const TIMEOUT_MS = 30_000

export const forget: Command = {
  help: `Usage: tributary forget --user ID [--user ID ...] [--everywhere] [--topic TOPIC] [--dry-run]

Removes what DATA_DIR and ARCHIVE store about a user: events and refused events whose userId, anonymousId or previousId is the ID, and
refused bodies that contain the ID. Stop the server first, because it writes there. Put the user on the suppression list first
("tributary suppress add"); otherwise new events are stored. If it is interrupted, run it again. Records in Kafka stay there:
--topic informs their consumers. A hashed userId is found with the PRIVACY_HASH_KEY that it was hashed with.

  --user ID      exact and case-sensitive; may be repeated, for instance with the ids before and after a login
  --everywhere   also remove events of other users that contain the ID anywhere
  --topic TOPIC  then send a deletion record for each ID to this topic of Kafka: {"type":"deletion","userId":ID,"requestedAt":...}
  --dry-run      count, and change and send nothing; a server may be running

Examples:
  tributary forget --user user-4711 --user 0b7f0a3e-anonymous --dry-run
  tributary forget --user user-4711 --topic tributary.deletions`,
  async run(args, terminal) {
    const text = { type: 'string' } as const
    const flag = { type: 'boolean' } as const
    const user = { type: 'string', multiple: true } as const
    const parsed = parseArguments(args, { options: { user, topic: text, everywhere: flag, 'dry-run': flag } })
    const users = parsed.lists['user'] ?? []
    if (users.length === 0 || users.includes('')) throw new UsageError('--user ID is missing')
    const topic = parsed.texts['topic'] === undefined ? undefined : topicOption(parsed)
    const config = readEnvironment()
    const about = { hashKey: config.privacyHashKey, everywhere: parsed.flags.has('everywhere') }
    const erasure = aboutUsers(users, about)
    if (parsed.flags.has('dry-run'))
      return printCount(await eraseAll(config, { erasure, isDryRun: true }), 'would go', terminal)
    // Checked before anything is erased.
    if (topic !== undefined && config.kafka === undefined) {
      throw new CommandFailed('KAFKA_BROKERS is not set: there is no Kafka to send to')
    }
    const { records, files } = await eraseLocked(config, { erasure }, terminal)
    const whose = counted(users.length, 'user')
    auditCommand('forgotten', `${counted(records, 'record')} of ${whose} erased from ${counted(files, 'file')}`)
    const left = await filesHolding(config.dataDir, users.map(spelled))
    if (left.length > 0) {
      terminal.note(
        `the ID still stands in ${left.join(', ')}, in events of others or in names: see --everywhere in "tributary forget --help"`
      )
    }
    if (topic !== undefined) await sendDeletions(config, { topic, users }, terminal)
  }
}

const spelled = (id: string): string => JSON.stringify(id).slice(1, -1)

/** Erases with the folder's lock. A server with nothing about the user on disk, because all is in Kafka, need not be stopped. */
async function eraseLocked(config: Config, options: EraseOptions, terminal: Terminal): Promise<Erased> {
  const lock = await lockDataDir(config.dataDir).catch(async (error: Error & { code?: unknown }) => {
    if (error.code !== 'DATA_DIR_IN_USE') throw error
    const { records } = await eraseAll(config, { ...options, isDryRun: true })
    if (records === 0) return undefined
    throw new CommandFailed(
      `${counted(records, 'record')} would go from ${foldersOf(config)}, which a server uses: stop it first`
    )
  })
  try {
    const erased = lock === undefined ? { records: 0, files: 0 } : await eraseAll(config, options)
    printCount(erased, 'are gone', terminal)
    return erased
  } catch (error) {
    throw error instanceof StillWaiting ? new EventsLeft(error.message) : error
  } finally {
    await lock?.release()
  }
}

const foldersOf = ({ dataDir, archive }: Config): string =>
  archive === undefined ? dataDir : `${dataDir} and ${archive.dir}`

async function eraseAll({ dataDir, archive }: Config, options: EraseOptions): Promise<Erased> {
  const each = archive === undefined ? [] : [await eraseArchive(archive.dir, options)]
  for (const dir of await recordFolders(dataDir)) each.push(await eraseFromDataDir(dir, options))
  const sum = (name: keyof Erased): number => each.reduce((total, erased) => total + erased[name], 0)
  return { records: sum('records'), files: sum('files') }
}

/** Another server may write the archive than the one of DATA_DIR. */
async function eraseArchive(dir: string, options: EraseOptions): Promise<Erased> {
  try {
    return await eraseFromArchive(dir, options)
  } catch (error) {
    if (!(error instanceof ArchiveInUse)) throw error
    const { records } = await eraseFromArchive(dir, { ...options, isDryRun: true })
    if (records === 0) return { records: 0, files: 0 }
    throw new CommandFailed(`${counted(records, 'record')} would go from ${dir}, which a server writes: stop it first`)
  }
}

function printCount({ records, files }: Erased, verb: string, terminal: Terminal): void {
  terminal.out(`${counted(records, 'record')} of ${counted(files, 'file')} ${verb}`)
}

async function sendDeletions(
  config: Config,
  { topic, users }: { readonly topic: string; readonly users: readonly string[] },
  terminal: Terminal
): Promise<void> {
  const sink = openTopic(config, topic, terminal)
  try {
    await publishWithRetries(
      sink,
      users.map(user => deletionRecord(user, topic)),
      TIMEOUT_MS
    )
  } finally {
    await sink.close()
  }
  terminal.out(`${counted(users.length, 'deletion record')} sent to ${topic}`)
}

function deletionRecord(userId: string, topic: string): OutgoingRecord {
  const now = new Date()
  const messageId = `deletion-${randomUUID()}`
  const value = { type: 'deletion', userId, messageId, requestedAt: now.toISOString() }
  return createRecord({
    kind: 'event',
    type: 'unknown',
    code: undefined,
    source: 'tributary',
    line: Buffer.from(`${JSON.stringify(value)}\n`),
    messageId,
    key: userId,
    receivedAt: now.getTime(),
    topics: [topic]
  })
}
