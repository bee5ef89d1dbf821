import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../../config/env/config.ts'
import { readEnvironment } from '../../config/env/environment.ts'
import { createRouter } from '../../ingest/route/route.ts'
import { restoreRecord } from '../../ingest/route/restore.ts'
import { recordFolders } from '../../fleet/workers/folders.ts'
import type { OutgoingRecord } from '../../model/record.ts'
import type { Sink } from '../../model/sink.ts'
import { createLogReader } from '../../durability/log/read/log-reader.ts'
import type { LogReader } from '../../durability/log/read/log-reader.ts'
import { isSegmentName } from '../../durability/log/segment/segment-name.ts'
import { readSegmentFolder } from '../../durability/log/segment/segment-folder.ts'
import { auditCommand } from '../audited.ts'
import type { Command, Terminal } from '../command.ts'
import { CommandFailed, parseArguments, UsageError } from '../command.ts'
import { readDurationOption } from '../duration-option.ts'
import { createProgress } from './progress.ts'
import { openTopic, publishWithRetries, topicOption } from './publish.ts'
import { readTimeOption, TIME_HELP } from '../time-option.ts'

const FOLDERS = ['events', 'rejected', 'violations', 'spool']
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

Publishes what lies in the log on disk to a Kafka topic, in order, and leaves the log as it is. A server may be running.
KAFKA_BROKERS and the other variables say which Kafka. Records that are replayed twice are in the topic twice:
consumers tell them by their messageId.

  --topic TOPIC   where to; it is made if KAFKA_CREATE_TOPICS allows it
  --from TIME     only what was received at this time or later, ${TIME_HELP}
  --to TIME       only what was received before this time
  --folder NAME   of DATA_DIR: events (default), rejected, violations or spool
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
    const folder = parsed.texts['folder'] ?? 'events'
    if (!FOLDERS.includes(folder)) throw new UsageError(`--folder must be one of ${FOLDERS.join(', ')}`)
    const config = readEnvironment()
    const homes = await recordFolders(config.dataDir)
    if (folder === 'events') checkThereIsALog(config, homes)
    const sink = parsed.flags.has('dry-run') ? undefined : openTopic(config, topic, terminal)
    try {
      const counts = { published: 0, outside: 0, unreadable: 0 }
      for (const dataDir of homes) {
        const own = await replayFolder({ dir: join(dataDir, folder), wanted, sink, terminal })
        for (const name of ['published', 'outside', 'unreadable'] as const) counts[name] += own[name]
      }
      if (parsed.flags.has('json')) return terminal.out(JSON.stringify({ topic, ...counts }))
      const verb = sink === undefined ? 'would be published' : 'published'
      const others = `${counts.outside} outside the time range left out, ${counts.unreadable} lines are no records`
      if (sink !== undefined) auditCommand('replay', `${counts.published} records of ${folder}/ published to ${topic}`)
      terminal.out(`${counts.published} records ${verb} to ${topic}, ${others}`)
    } finally {
      await sink?.close()
    }
  }
}

/** With Kafka there is no log to publish: whoever does not know would look for a fault. */
function checkThereIsALog({ kafka, dataDir }: Config, homes: readonly string[]): void {
  const holdsSegments = (dir: string): boolean => existsSync(dir) && readdirSync(dir).some(isSegmentName)
  if (kafka === undefined || homes.some(home => holdsSegments(join(home, 'events')))) return
  throw new CommandFailed(
    `${dataDir} has no log of events: with KAFKA_BROKERS they go to Kafka alone, so there is nothing to replay. Read the topic again ` +
      'from an earlier offset instead (docs/destinations.md); --folder spool publishes what has not reached Kafka yet'
  )
}

async function replayFolder(options: {
  readonly dir: string
  readonly wanted: Wanted
  readonly sink: Sink | undefined
  readonly terminal: Terminal
}): Promise<Counts> {
  const { dir, wanted, sink, terminal } = options
  const source = await readSegmentFolder(dir).catch((error: Error) => {
    throw new CommandFailed(`${dir} cannot be read: ${error.message}`)
  })
  const total = source.segments().reduce((sum, { bytes }) => sum + bytes, 0)
  const log = { info: () => undefined, warn: damaged, error: damaged }
  const reader = createLogReader({ source, log })
  const progress = createProgress({ total, note: terminal.note })
  const counts = { published: 0, outside: 0, unreadable: 0 }
  try {
    for await (const { records, bytes, outside, unreadable } of batches(reader, wanted)) {
      if (sink !== undefined) await publishWithRetries(sink, records, wanted.timeoutMs)
      counts.published += records.length
      counts.outside += outside
      counts.unreadable += unreadable
      progress.add(bytes, counts.published)
    }
  } finally {
    progress.end()
    await reader.close()
  }
  return counts

  function damaged(_fields: object, message: string): void {
    terminal.note(message)
  }
}

async function* batches(
  reader: LogReader,
  { topic, from, to }: Wanted
): AsyncGenerator<{ records: OutgoingRecord[]; bytes: number } & Omit<Counts, 'published'>> {
  const router = createRouter({ eventsTopic: topic, rejectedTopic: topic, violationsTopic: topic, destinations: [] })
  for (let read = await reader.next(); read !== undefined; read = await reader.next()) {
    for (let at = 0; at < read.length; at += BATCH_RECORDS) {
      const lines = read.slice(at, at + BATCH_RECORDS)
      const restored = lines.flatMap(line => restoreRecord(line, router) ?? [])
      const records = restored.filter(({ receivedAt }) => receivedAt >= from && receivedAt < to)
      const bytes = lines.reduce((sum, { length }) => sum + length, 0)
      const outside = restored.length - records.length
      yield { records, bytes, outside, unreadable: lines.length - restored.length }
    }
  }
}
