import { existsSync } from 'node:fs'
import { appendFile, rename, rm, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { KafkaConfig } from '../../config/env/config.ts'
import { readEnvironment } from '../../config/env/environment.ts'
import { restoreRecord } from '../../ingest/route/restore.ts'
import { createRouter } from '../../ingest/route/route.ts'
import { kafkaOptions } from '../../app/kafka-options.ts'
import { createKafkaSink } from '../../durability/kafka/kafka-sink.ts'
import { recordFolders } from '../../fleet/workers/folders.ts'
import { refusedLines } from '../../durability/spool/status.ts'
import { REFUSED_FILE } from '../../model/sink.ts'
import { auditCommand } from '../audited.ts'
import type { Command, Terminal } from '../command.ts'
import { CommandFailed, parseArguments } from '../command.ts'

const PUBLISH_TIMEOUT_MS = 15_000
/** The lines that are being sent again. An interrupted run leaves this file, and the next run continues with it. */
const RETRY_FILE = 'refused.retrying.jsonl'

interface RefusedLine {
  readonly refusedAt: string
  readonly topic: string
  readonly reason: string
  readonly record: { readonly messageId?: string; readonly type?: string }
}

export const refusedList: Command = {
  help: `Usage: tributary refused list [--json]

Shows the records that Kafka refused for good (too large for the topic, invalid), and why. They are in
DATA_DIR/spool/${REFUSED_FILE}.

  --json   print only the lines of that file

Example:
  tributary refused list --json | jq -r .reason | sort | uniq -c`,
  async run(args, terminal) {
    const { flags } = parseArguments(args, { options: { json: { type: 'boolean' } } })
    const dirs = await recordFolders(readEnvironment().dataDir)
    const lines = (await Promise.all(dirs.map(refusedLines))).flat()
    if (flags.has('json')) for (const line of lines) terminal.out(line)
    else if (lines.length === 0) terminal.out('Kafka has refused nothing for good')
    else for (const line of lines) terminal.out(formatLine(line))
  }
}

export const refusedRetry: Command = {
  help: `Usage: tributary refused retry [--json]

Sends the records that Kafka refused again to the topics that refused them, for example after a topic's limit was raised.
Records that are refused again are kept. A server may be running.

  --json   how many were sent and kept, one folder per line, as JSON

Example:
  tributary refused retry`,
  async run(args, terminal) {
    const { flags } = parseArguments(args, { options: { json: { type: 'boolean' } } })
    const config = readEnvironment()
    if (config.kafka === undefined) throw new CommandFailed('KAFKA_BROKERS is not set: there is no Kafka to send to')
    for (const dataDir of await recordFolders(config.dataDir))
      await retryFolder(join(dataDir, 'spool'), config.kafka, { terminal, json: flags.has('json') })
  }
}

async function retryFolder(
  dir: string,
  kafka: KafkaConfig,
  { terminal, json }: { readonly terminal: Terminal; readonly json: boolean }
): Promise<void> {
  const lines = await takeLines(dir)
  if (lines.length === 0 && !json) return terminal.out('Kafka has refused nothing for good')
  if (lines.length === 0) return terminal.out(JSON.stringify({ dir, sent: 0, kept: 0 }))
  const quiet = { info: () => undefined, warn: (says: string) => terminal.note(says), error: terminal.note }
  const sink = createKafkaSink({
    ...kafkaOptions({ publishTimeoutMs: PUBLISH_TIMEOUT_MS }, kafka),
    log: quiet
  })
  const kept: string[] = []
  try {
    const deadline = performance.now() + PUBLISH_TIMEOUT_MS
    while (!sink.health().ready && performance.now() < deadline) await new Promise(done => setTimeout(done, 50))
    for (const line of lines) if (!(await send(line, sink.publish))) kept.push(line)
  } finally {
    await sink.close()
  }
  if (kept.length > 0) await appendFile(join(dir, REFUSED_FILE), `\n${kept.join('\n')}\n`)
  await rm(join(dir, RETRY_FILE))
  const sent = lines.length - kept.length
  const says = `${sent} of ${lines.length} records`
  auditCommand('retry', `${says} that Kafka had refused were sent again`)
  if (json) terminal.out(JSON.stringify({ dir, sent, kept: kept.length }))
  else terminal.out(`${says} were sent`)
  if (kept.length > 0)
    throw new CommandFailed(`${kept.length} were not taken, and are kept in ${join(dir, REFUSED_FILE)}`)
}

/** Takes the lines by renaming the file, so that nothing else writes to it. The server creates a new one for new refusals. */
async function takeLines(dir: string): Promise<string[]> {
  const [from, to] = [join(dir, REFUSED_FILE), join(dir, RETRY_FILE)]
  if (!existsSync(to)) {
    if (!existsSync(from)) return []
    await rename(from, to)
  }
  return (await readFile(to, 'utf8')).split('\n').filter(line => line !== '')
}

async function send(line: string, publish: ReturnType<typeof createKafkaSink>['publish']): Promise<boolean> {
  const topic = topicOf(line)
  // Takes the record's bytes, because JSON.parse may change a number.
  const start = line.indexOf(',"record":')
  if (topic === '' || start < 0) return false
  const value = Buffer.from(`${line.slice(start + ',"record":'.length, -1)}\n`)
  const router = createRouter({ eventsTopic: topic, rejectedTopic: topic, violationsTopic: topic, destinations: [] })
  const record = restoreRecord(value, router)
  if (record === undefined) return false
  try {
    await publish([record])
    return true
  } catch {
    return false
  }
}

function parse(line: string): RefusedLine | undefined {
  try {
    return JSON.parse(line) as RefusedLine
  } catch {
    return undefined
  }
}

function topicOf(line: string): string {
  return parse(line)?.topic ?? ''
}

function formatLine(line: string): string {
  const refused = parse(line)
  if (refused === undefined) return `a line that is not whole: ${line.slice(0, 80)}`
  const { refusedAt, topic, reason, record } = refused
  return `${refusedAt}  ${record.messageId ?? '-'}  ${topic === '' ? '-' : topic}  ${reason}`
}
