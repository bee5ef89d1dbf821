import { writeResult } from '../../disk/write-result.ts'
import { toTypewriter } from '../../governance/plans/export/typewriter-plan.ts'
import { loadPlan } from '../../governance/plans/load-plan.ts'
import type { Command } from '../command.ts'
import { CommandFailed, parseArguments } from '../command.ts'
import { counted } from '../counted.ts'

export const planExport: Command = {
  help: `Usage: tributary plan export PLAN [--out FILE]

Writes the track events of a tracking plan as plan.json of Segment's Typewriter, which makes typed code of it. Typewriter
reads plan.json from the folder that typewriter.yml names, and its "id" there must be the plan's id (or name, without one).

  --out FILE   the file to write (default: standard output)

Rules for other calls, older versions and the common schema are left out, because Typewriter does not know them.

Examples:
  tributary plan export plans/shop.yml --out src/analytics/plan.json && npx typewriter build`,
  async run(args, terminal) {
    const { positionals, texts } = parseArguments(args, { options: { out: { type: 'string' } }, positionals: ['PLAN'] })
    const { content, rules, leftOut } = toTypewriter(await loadPlan(positionals[0] ?? ''))
    if (rules === 0) throw new CommandFailed('the plan has no rule for a track event')
    const text = JSON.stringify(content, null, 2)
    if (texts['out'] === undefined) terminal.out(text)
    else await writeResult(texts['out'], `${text}\n`)
    const also = leftOut === 0 ? '' : `; ${counted(leftOut, 'rule')} left out, which Typewriter does not know`
    terminal.note(`${counted(rules, 'track event')}${also}`)
  }
}
