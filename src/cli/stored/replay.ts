import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../../config/env/config.ts'
import { readEnvironment } from '../../config/env/environment.ts'
import { createRouter } from '../../ingest/route/route.ts'
import { restoreRecord } from '../../ingest/route/restore.ts'
import { recordFolders } from '../../fleet/workers/folders.ts'
import type { OutgoingRecord } from '../../model/record.ts'
import type { Sink } from '../../model/sink.ts'
import { isSegmentName } from '../../durability/log/segment/segment-name.ts'
import { auditCommand } from '../audited.ts'
import type { Command, Terminal } from '../command.ts'
import { CommandFailed, parseArguments, UsageError } from '../command.ts'
import { readDurationOption } from '../duration-option.ts'
import { createProgress } from './progress.ts'
import { openTopic, publishWithRetries, topicOption } from './publish.ts'
import { storedInArchive, storedInLog } from './stored-lines.ts'
import type { Stored } from './stored-lines.ts'
import { readTimeOption, TIME_HELP } from '../time-option.ts'

const ARCHIVE = 'archive'
const FOLDERS = ['events', 'rejected', 'violations', 'spool', ARCHIVE]
const BATCH_RECORDS = 500
/** Kafka may still be on its way up. */
const TIMEOUT_MS = 30_000

interface Wanted {
  readonly topic: string
  /** Milliseconds since the epoch, receivedAt within [from, to). */
  readonly from: number
  readonly to: number
  /** How long a batch may wait for Kafka. */
  readonly timeoutMs: number
}

interface Counts {
  published: number
  outside: number
  /** Lines that are no records of this server. */
  unreadable: number
}

export const replay: Command = {
  help: `Usage: tributary replay --topic TOPIC [--from TIME] [--to TIME] [--folder NAME] [--timeout TIME] [--dry-run] [--json]

Publishes what lies in the log on disk, or in ARCHIVE, to a Kafka topic, in order, and leaves it as it is. A server may be running.
KAFKA_BROKERS and the other variables say which Kafka. Records that are replayed twice are in the topic twice:
consumers tell them by their messageId.

  --topic TOPIC   where to; it is made if KAFKA_CREATE_TOPICS allows it
  --from TIME     only what was received at this time or later, ${TIME_HELP}
  --to TIME       only what was received before this time
  --folder NAME   archive (the default if ARCHIVE is set), or of DATA_DIR: events (the default without ARCHIVE), rejected,
                  violations or spool
  --timeout TIME  how long to wait for Kafka where it is away (default ${TIMEOUT_MS / 1000}s)
  --dry-run       count, and publish nothing
  --json          the counts as JSON

Examples:
  tributary replay --topic tributary.events
  tributary replay --topic backfill --from 2026-11-01 --to 2026-11-02 --dry-run`,
  async run(args, terminal) {
    const names = ['topic', 'from', 'to', 'folder', 'timeout']
    const options = Object.fromEntries(names.map(name => [name, { type: 'string' } as const]))
    const parsed = parseArguments(args, {
      options: { ...options, 'dry-run': { type: 'boolean' }, json: { type: 'boolean' } }
    })
    const topic = topicOption(parsed)
    const from = readTimeOption(parsed, 'from') ?? -Infinity
    const timeoutMs = readDurationOption(parsed, 'timeout') ?? TIMEOUT_MS
    const wanted = { topic, from, to: readTimeOption(parsed, 'to') ?? Infinity, timeoutMs }
    const asked = parsed.texts['folder']
    if (asked !== undefined && !FOLDERS.includes(asked))
      throw new UsageError(`--folder must be one of ${FOLDERS.join(', ')}`)
    const config = readEnvironment()
    const homes = await recordFolders(config.dataDir)
    // The log of a server that had no Kafka yet may still lie beside the archive, and lacks what came since.
    const folder = asked ?? (config.archive === undefined ? 'events' : ARCHIVE)
    if (folder === 'events') checkThereIsALog(config, homes)
    if (folder === 'events')
      terminal.note(`from the log in ${config.dataDir}, which a server with Kafka does not write`)
    const sink = parsed.flags.has('dry-run') ? undefined : openTopic(config, topic, terminal)
    try {
      const counts = { published: 0, outside: 0, unreadable: 0 }
      for (const stored of await storedIn(folder, { config, homes, from, terminal })) {
        const own = await replayStored({ stored, wanted, sink, terminal })
        for (const name of ['published', 'outside', 'unreadable'] as const) counts[name] += own[name]
      }
      if (parsed.flags.has('json')) return terminal.out(JSON.stringify({ topic, folder, ...counts }))
      const verb = sink === undefined ? 'would be published' : 'published'
      const place = folder === ARCHIVE ? 'the archive' : `${folder}/`
      const others = `${counts.outside} outside the time range left out, ${counts.unreadable} lines are no records`
      if (sink !== undefined) auditCommand('replay', `${counts.published} records of ${place} published to ${topic}`)
      terminal.out(`${counts.published} records ${verb} to ${topic}, ${others} (from ${place})`)
    } finally {
      await sink?.close()
    }
  }
}

/** What there is to publish, one after the other. */
async function storedIn(
  folder: string,
  options: {
    readonly config: Config
    readonly homes: readonly string[]
    readonly from: number
    readonly terminal: Terminal
  }
): Promise<Stored[]> {
  const { config, homes, from, terminal } = options
  if (folder !== ARCHIVE) return Promise.all(homes.map(home => storedInLog(join(home, folder), terminal.note)))
  if (config.archive === undefined) throw new CommandFailed('--folder archive needs ARCHIVE')
  return [await storedInArchive(config.archive.dir, from, terminal.note)]
}

function hasLog(homes: readonly string[]): boolean {
  const holdsSegments = (dir: string): boolean => existsSync(dir) && readdirSync(dir).some(isSegmentName)
  return homes.some(home => holdsSegments(join(home, 'events')))
}

/** With Kafka there is no log to publish: whoever does not know would look for a fault. */
function checkThereIsALog({ kafka, dataDir }: Config, homes: readonly string[]): void {
  if (kafka === undefined || hasLog(homes)) return
  throw new CommandFailed(
    `${dataDir} has no log of events: with KAFKA_BROKERS they go to Kafka alone, so there is nothing to replay. Read the topic again ` +
      'from an earlier offset instead (docs/destinations.md); ARCHIVE=DIR keeps events for replay from now on, and what Kafka still has; ' +
      '--folder spool publishes what has not reached Kafka yet'
  )
}

async function replayStored(options: {
  readonly stored: Stored
  readonly wanted: Wanted
  readonly sink: Sink | undefined
  readonly terminal: Terminal
}): Promise<Counts> {
  const { stored, wanted, sink, terminal } = options
  const progress = createProgress({ total: stored.total, note: terminal.note })
  const counts = { published: 0, outside: 0, unreadable: 0 }
  try {
    for await (const { records, bytes, outside, unreadable } of batches(stored, wanted)) {
      if (sink !== undefined) await publishWithRetries(sink, records, wanted.timeoutMs)
      counts.published += records.length
      counts.outside += outside
      counts.unreadable += unreadable
      progress.add(bytes, counts.published)
    }
  } finally {
    progress.end()
  }
  return counts
}

async function* batches(
  stored: Stored,
  { topic, from, to }: Wanted
): AsyncGenerator<{ records: OutgoingRecord[]; bytes: number } & Omit<Counts, 'published'>> {
  const router = createRouter({ eventsTopic: topic, rejectedTopic: topic, violationsTopic: topic, destinations: [] })
  for await (const { lines: all, bytes } of stored.read()) {
    for (let at = 0; at < all.length; at += BATCH_RECORDS) {
      const lines = all.slice(at, at + BATCH_RECORDS)
      const restored = lines.flatMap(line => restoreRecord(line, router) ?? [])
      const records = restored.filter(({ receivedAt }) => receivedAt >= from && receivedAt < to)
      const outside = restored.length - records.length
      yield { records, bytes: 0, outside, unreadable: lines.length - restored.length }
    }
    yield { records: [], bytes, outside: 0, unreadable: 0 }
  }
}
