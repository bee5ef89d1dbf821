import { writeResult } from '../../disk/write-result.ts'
import { basename, extname } from 'node:path'
import { stringify } from 'yaml'
import { importPlan, planFile } from '../../governance/plans/import/import-plan.ts'
import { parsePlan } from '../../governance/plans/parse-plan.ts'
import type { Command } from '../command.ts'
import { CommandFailed, parseArguments, UsageError } from '../command.ts'
import { leadingWords } from './leading-words.ts'
import { readInputs } from './read-inputs.ts'

export const planImport: Command = {
  help: `Usage: tributary plan import PATH [PATH ...] [--out FILE] [--name NAME]

Converts the tracking plan of another tool. PATH is a file or a folder. The command recognises its form: rules of
Segment's Public API (several pages), Typewriter's plan.json, Segment's older Config API, a folder of JSON
Schemas (draft 04, 06, 07, 2019-09 or 2020-12), Avo's export, rudder-cli's YAML, RudderStack's API.

  --out FILE    the file to write: YAML if its name ends in .yml or .yaml, else JSON (default: standard output, as JSON)
  --name NAME   the plan's name, if the files have none (default: the first path's)

Changes during the conversion are listed on standard error. Name the plan in tributary.yml: plan: { file: FILE }

Examples:
  tributary plan import rules-1.json rules-2.json --out plans/shop.yml
  tributary plan import schemas/ --name Shop --out plans/shop.json`,
  async run(args, terminal) {
    const { words: paths, rest } = leadingWords(args)
    const { texts } = parseArguments(rest, { options: { out: { type: 'string' }, name: { type: 'string' } } })
    const [first] = paths
    if (first === undefined) throw new UsageError('PATH is missing')
    const name = texts['name'] ?? basename(first, extname(first))
    const { plan, format, changes } = await readPlan(paths, name)
    const out = texts['out']
    const named = texts['name'] === undefined ? plan : { ...plan, name }
    const isYaml = out !== undefined && /\.ya?ml$/i.test(out)
    const content = planFile(named)
    const text = isYaml
      ? stringify(content, { lineWidth: 120, aliasDuplicateObjects: false })
      : `${JSON.stringify(content, null, 2)}\n`
    parsePlan(text, out ?? 'the imported plan')
    if (out === undefined) terminal.out(text.trimEnd())
    else await writeResult(out, text)
    terminal.note(`${format}: ${plan.rules.length} rules${plan.common === undefined ? '' : ' and a common schema'}`)
    for (const [what, times] of changes) terminal.note(`  ${times} x ${what}`)
  }
}

async function readPlan(paths: readonly string[], name: string) {
  const inputs = await readInputs(paths)
  try {
    return importPlan(inputs, name)
  } catch (error) {
    throw new CommandFailed((error as Error).message, { cause: error })
  }
}
