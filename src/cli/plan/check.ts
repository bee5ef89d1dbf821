import { createReadStream } from 'node:fs'
import { writeResult } from '../../disk/write-result.ts'
import { createInterface } from 'node:readline'
import { PlanCheck } from '../../governance/plans/review/check.ts'
import type { CheckedEvent } from '../../governance/plans/review/check.ts'
import { junitReport } from '../../governance/plans/review/junit.ts'
import type { Command, Terminal } from '../command.ts'
import { CommandFailed, parseArguments, UsageError } from '../command.ts'
import { leadingWords } from './leading-words.ts'
import { loadCompiledPlan } from '../../governance/plans/load-plan.ts'

export const planCheck: Command = {
  help: `Usage: tributary plan check EVENTS --plan FILE [--junit FILE] [--json]

Checks events against a tracking plan, without a server. The input has one JSON event per line: a file of DATA_DIR/events,
events that a test recorded, or "tributary rejected list --json". "-" reads standard input. Exit code 1 if an event does
not fit the plan, or if there are no events.

  --plan FILE    the plan
  --junit FILE   write the result as JUnit XML, one test case per event name
  --json         one event name per line, as JSON: how many were read and do not fit, and the violations

Examples:
  tributary plan check data/events/*.ndjson --plan plans/shop.yml
  tributary rejected list --code schema_violation --json | tributary plan check - --plan plans/shop.yml`,
  async run(args, terminal) {
    const { words: files, rest } = leadingWords(args)
    const { texts, flags } = parseArguments(rest, {
      options: { plan: { type: 'string' }, junit: { type: 'string' }, json: { type: 'boolean' } }
    })
    const { plan: planFile, junit } = texts
    if (files.length === 0) throw new UsageError('EVENTS is missing')
    if (planFile === undefined) throw new UsageError('--plan is missing')
    const plan = await loadCompiledPlan(planFile)
    const check = new PlanCheck(plan)
    for (const file of files) await readEvents(file, check)
    if (junit !== undefined) await writeResult(junit, junitReport(plan.name, check.byName.values()))
    report(check, { terminal, json: flags.has('json') })
  }
}

async function readEvents(file: string, check: PlanCheck): Promise<void> {
  const input = file === '-' ? process.stdin : createReadStream(file)
  let line = 0
  for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    line++
    if (text.trim() !== '') check.add(parse(text), line)
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function report(
  { byName, unread }: PlanCheck,
  { terminal, json }: { readonly terminal: Terminal; readonly json: boolean }
): void {
  const all = [...byName.values()]
  if (json) for (const event of all) terminal.out(asJson(event))
  else
    for (const { name, events, faulty, violations } of all.filter(event => event.faulty > 0)) {
      terminal.out(`${name}: ${faulty} of ${events} do not fit`)
      for (const [what, { times, lines }] of violations) terminal.out(`  ${times} x ${what} (line ${lines.join(', ')})`)
    }
  const events = all.reduce((sum, event) => sum + event.events, 0)
  const faulty = all.reduce((sum, event) => sum + event.faulty, 0)
  const lost = unread === 0 ? '' : `; ${unread} lines hold no event`
  if (events === 0) throw new CommandFailed(`no event was read${lost}`)
  const result = `${faulty} of ${events} events do not fit the plan${lost}`
  if (faulty > 0) throw new CommandFailed(result)
  terminal.note(result)
}

function asJson({ name, events, faulty, violations }: CheckedEvent): string {
  const found = [...violations].map(([what, { times, lines }]) => ({ what, times, lines }))
  return JSON.stringify({ name, events, faulty, violations: found })
}
