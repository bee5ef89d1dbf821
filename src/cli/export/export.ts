import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { readEnvironment } from '../../config/env/environment.ts'
import { topicTemplateFault } from '../../config/topic-template.ts'
import { loadPlan } from '../../governance/plans/load-plan.ts'
import { isConfigError } from '../../model/config-error.ts'
import type { Plan } from '../../governance/plans/plan.ts'
import { checkChoice } from '../check-choice.ts'
import type { Command, ParsedArguments } from '../command.ts'
import { CommandFailed, parseArguments, UsageError } from '../command.ts'
import { readTimeOption, TIME_HELP } from '../time-option.ts'
import { openArchiveSource } from './archive-source.ts'
import { copyEvents } from './copy.ts'
import type { Format } from './formats.ts'
import { FORMATS } from './formats.ts'
import { openKafkaSource } from './kafka-source.ts'
import { openLogSource } from './log-source.ts'
import { openOutput } from './output.ts'
import type { Source, SourceOptions } from './source.ts'
import { Tables } from './tables.ts'

/** A step ends after the piece of input with which it has this many rows, which are kept in memory. */
const DEFAULT_ROWS = 100_000
const MAX_ROWS = 1_000_000

export const exportCommand: Command = {
  help: `Usage: tributary export --out DIR [--format FORMAT] [--by-event [--plan FILE]] [--from TIME] [--to TIME] [options]

Writes events as tables, DIR/TABLE/part-00000001.parquet and so on: a column for each thing that every event has, and the dictionaries
(properties, traits, context, integrations) as the JSON text that was sent, so that every number is exact. The same command again goes on
where the last run ended, with what came since or after it was cut short, and repeats nothing. A server may be running.

  --out DIR        where to; the folder is made, and holds one export alone
  --format FORMAT  parquet (default), csv, or ndjson: the events as they were stored, gzipped
  --by-event       one table for each event name and for each other type; without it one table, events
  --plan FILE      with --by-event: a column for each property of the tracking plan, decimal where the plan says integer or number
                   (38 digits, 18 of a number's behind the point), boolean, else text; "tributary plan infer" makes a plan of the catalogue
  --event NAME     only track calls with this name; may be given several times
  --from TIME      only what was received at this time or later, ${TIME_HELP}
  --to TIME        only what was received before this time
  --topic TOPIC    from this topic of Kafka, to the end that it has now
  --archive        from ARCHIVE: the default if it is set
  --log            from the log in DATA_DIR: the default without ARCHIVE. A server with Kafka does not write it
  --rows N         at most about so many rows a file, and in memory (default ${DEFAULT_ROWS})
  --json           what was written, as JSON

Examples:
  tributary export --out warehouse
  tributary export --out warehouse --by-event --plan plans/shop.yml --from 2026-11-01 --to 2026-12-01
  tributary export --out backup --format ndjson --topic tributary.events`,
  async run(args, terminal) {
    const parsed = parseArguments(args, { options: OPTIONS })
    const config = readEnvironment()
    const wanted = readWanted(parsed, config.archive !== undefined)
    const plan = wanted.plan === undefined ? undefined : await planOf(wanted.plan)
    const asked = askedFor(parsed, wanted, plan?.digest)
    const output = await openOutput({ dir: wanted.out, format: wanted.format, asked })
    try {
      const before = output.state.rows
      const { positions, names } = output.state
      const options = { config, positions, note: terminal.note }
      const source = await openSource(wanted, options)
      if (output.state.steps > 0) terminal.note(`${wanted.out}: going on behind ${before} rows`)
      const { byEvent, format } = wanted
      const newTables = (): Tables => new Tables({ byEvent, plan: plan?.plan, isUntyped: format !== 'parquet', names })
      const done = await copyEvents({ source, output, wanted, newTables, note: terminal.note })
      const { rows: total } = output.state
      const rows = total - before
      if (parsed.flags.has('json')) return terminal.out(JSON.stringify({ out: wanted.out, rows, total, ...done }))
      const unfit =
        done.unfit === 0 ? '' : `; ${done.unfit} values do not fit the plan's types: read them in the JSON text`
      terminal.out(`${rows} rows written to ${wanted.out}, ${done.unreadable} records are no events${unfit}`)
    } finally {
      await output.close()
    }
  }
}

function openSource({ topic, archive, from }: Wanted, options: SourceOptions): Promise<Source> {
  if (archive) return openArchiveSource(options)
  if (topic !== undefined) return openKafkaSource(topic, Math.max(0, from), options)
  const { kafka, dataDir } = options.config
  if (kafka !== undefined) options.note(`from the log in ${dataDir}, which a server with Kafka does not write`)
  return openLogSource(options)
}

const OPTIONS = {
  out: { type: 'string' },
  format: { type: 'string' },
  'by-event': { type: 'boolean' },
  plan: { type: 'string' },
  event: { type: 'string', multiple: true },
  from: { type: 'string' },
  to: { type: 'string' },
  topic: { type: 'string' },
  archive: { type: 'boolean' },
  log: { type: 'boolean' },
  rows: { type: 'string' },
  json: { type: 'boolean' }
} as const

interface Wanted {
  readonly out: string
  readonly format: Format
  readonly byEvent: boolean
  readonly plan: string | undefined
  readonly events: ReadonlySet<string>
  /** Milliseconds since the epoch; receivedAt within [from, to). */
  readonly from: number
  readonly to: number
  readonly topic: string | undefined
  readonly archive: boolean
  readonly rows: number
}

/** @param hasArchive whether ARCHIVE is set */
function readWanted(parsed: ParsedArguments, hasArchive: boolean): Wanted {
  const { texts, flags, lists } = parsed
  const { out, format = 'parquet', plan, topic, rows = String(DEFAULT_ROWS) } = texts
  if (out === undefined || out === '') throw new UsageError('--out DIR is missing')
  checkChoice('--format', format, FORMATS)
  const byEvent = flags.has('by-event')
  if (plan !== undefined && !byEvent) throw new UsageError('--plan needs --by-event')
  if (plan !== undefined && format === 'ndjson') throw new UsageError('--plan: ndjson has no columns')
  const fault = topic === undefined ? undefined : topicTemplateFault(topic)
  const sources = ['archive', 'log', 'topic'].filter(name => flags.has(name) || texts[name] !== undefined)
  if (sources.length > 1) throw new UsageError(`--${sources.join(' and --')} are two sources: choose one`)
  const archive = flags.has('archive') || (hasArchive && sources.length === 0)
  if (fault !== undefined) throw new UsageError(`--topic "${topic}": ${fault}`)
  if (!/^[1-9]\d{0,6}$/.test(rows) || Number(rows) > MAX_ROWS) {
    throw new UsageError(`--rows must be a whole number from 1 to ${MAX_ROWS}`)
  }
  const from = readTimeOption(parsed, 'from') ?? -Infinity
  const to = readTimeOption(parsed, 'to') ?? Infinity
  if (from >= to) throw new UsageError('--from must be before --to')
  const events = new Set(lists['event'] ?? [])
  return { out, format: format as Format, byEvent, plan, events, from, to, topic, archive, rows: Number(rows) }
}

async function planOf(file: string): Promise<{ readonly plan: Plan; readonly digest: string }> {
  try {
    const plan = await loadPlan(file)
    return {
      plan,
      digest: createHash('sha256')
        .update(await readFile(file))
        .digest('hex')
    }
  } catch (error) {
    throw isConfigError(error) ? error : new CommandFailed(`--plan ${file}: ${(error as Error).message}`)
  }
}

/** The options that a later run must have too. Times stay as typed, because an age means another moment in each run. */
function askedFor({ texts }: ParsedArguments, wanted: Wanted, plan: string | undefined): Record<string, string> {
  return {
    '--format': wanted.format,
    '--by-event': wanted.byEvent ? 'given' : 'not given',
    '--plan': plan === undefined ? 'not given' : `a file with the SHA-256 ${plan}`,
    '--event': [...wanted.events].toSorted().join() || 'not given',
    '--from': texts['from'] ?? 'not given',
    '--to': texts['to'] ?? 'not given',
    '--topic': wanted.topic ?? 'not given',
    // Not named otherwise: exports of earlier versions go on.
    ...(wanted.archive && { '--archive': 'given' })
  }
}
