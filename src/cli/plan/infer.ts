import { createReadStream } from 'node:fs'
import { writeResult } from '../../disk/write-result.ts'
import { createInterface } from 'node:readline'
import { stringify } from 'yaml'
import { Catalogue } from '../../governance/catalogue/catalogue.ts'
import { inferPlan, LEAST_EVENTS_FOR_REQUIRED } from '../../governance/catalogue/infer-plan.ts'
import { planFile } from '../../governance/plans/import/import-plan.ts'
import type { SeenEvent } from '../../model/plans/catalogue.ts'
import { adminClient } from '../admin-client.ts'
import { counted } from '../counted.ts'
import type { Command, ParsedArguments } from '../command.ts'
import { CommandFailed, parseArguments } from '../command.ts'
import { SERVER_HELP, SERVER_OPTIONS } from '../server-address.ts'
import { leadingWords } from './leading-words.ts'

export const planInfer: Command = {
  help: `Usage: tributary plan infer [EVENTS ...] [--source ID] [--name NAME] [--out FILE]

Creates a tracking plan from sent events, with every event, property and type that occurs in them. A property is
required if it is in all of at least ${LEAST_EVENTS_FOR_REQUIRED} events. EVENTS are files with one JSON event per line, as in
DATA_DIR/events; "-" reads standard input. Without EVENTS, the catalogue of a running server is used.

  --source ID    only the events of this source (projectId)
  --name NAME    the plan's name (default: Inferred)
  --out FILE     the file to write: YAML if its name ends in .yml or .yaml, else JSON (default: standard output, as JSON)
${SERVER_HELP}

Examples:
  tributary plan infer --source web --out plans/shop.yml
  tributary plan infer data/events/*.ndjson --source web --name Shop --out plans/shop.yml`,
  async run(args, terminal) {
    const { words: files, rest } = leadingWords(args)
    const options = {
      ...SERVER_OPTIONS,
      source: { type: 'string' },
      name: { type: 'string' },
      out: { type: 'string' }
    } as const
    const parsed = parseArguments(rest, { options })
    const { source, name = 'Inferred', out } = parsed.texts
    const { seen, dropped } = files.length === 0 ? await askServer(parsed, source) : await readFiles(files, source)
    const plan = inferPlan(seen, name)
    if (plan.rules.length === 0) throw new CommandFailed('no event was read')
    const content = planFile(plan)
    const isYaml = out !== undefined && /\.ya?ml$/i.test(out)
    const text = isYaml
      ? stringify(content, { lineWidth: 120, aliasDuplicateObjects: false })
      : JSON.stringify(content, null, 2)
    if (out === undefined) terminal.out(text)
    else await writeResult(out, `${text.trimEnd()}\n`)
    const events = seen.reduce((sum, one) => sum + one.events, 0)
    const from = `${counted(plan.rules.length, 'rule')} from ${counted(events, 'event')}`
    terminal.note(
      out === undefined ? from : `${out}: ${from}; name it in tributary.yml: "plan: { file: … }", relative to that file`
    )
    if (dropped > 0) terminal.note(`${dropped} names were more than a catalogue holds, and are not in it`)
  }
}

interface Seen {
  readonly seen: readonly SeenEvent[]
  readonly dropped: number
}

async function askServer(parsed: ParsedArguments, source: string | undefined): Promise<Seen> {
  const query = source === undefined ? '' : `?source=${encodeURIComponent(source)}`
  const response = await adminClient(parsed).get(`/api/catalogue${query}`)
  const { events, dropped } = (await response.json()) as { events: SeenEvent[]; dropped: number }
  return { seen: events, dropped }
}

async function readFiles(files: readonly string[], source: string | undefined): Promise<Seen> {
  const catalogue = new Catalogue()
  for (const file of files) await readEvents(file, catalogue, source)
  return { seen: catalogue.list(), dropped: catalogue.dropped }
}

async function readEvents(file: string, catalogue: Catalogue, source: string | undefined): Promise<void> {
  const input = file === '-' ? process.stdin : createReadStream(file)
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    const event = parse(line)
    if (event === undefined || (source !== undefined && event['projectId'] !== source)) continue
    const { receivedAt } = event
    catalogue.add('', event, typeof receivedAt === 'string' ? receivedAt : '')
  }
}

/** The event of a line; undefined if there is none. */
function parse(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    const isEvent = typeof value === 'object' && value !== null && 'type' in value && !Array.isArray(value)
    return isEvent ? value : undefined
  } catch {
    return undefined
  }
}
