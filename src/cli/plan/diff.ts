import { diffPlans } from '../../governance/plans/review/diff.ts'
import type { Command } from '../command.ts'
import { CommandFailed, parseArguments } from '../command.ts'
import { loadPlan } from '../../governance/plans/load-plan.ts'

export const planDiff: Command = {
  help: `Usage: tributary plan diff BEFORE AFTER [--json]

Lists the changes from one tracking plan to another. A change is breaking if an event that fits the first plan may not fit
the second; the exit code is then 1.

  --json   the changes as JSON, one per line

Example:
  git show main:plans/shop.yml > /tmp/before.yml && tributary plan diff /tmp/before.yml plans/shop.yml`,
  async run(args, terminal) {
    const { flags, positionals } = parseArguments(args, {
      options: { json: { type: 'boolean' } },
      positionals: ['BEFORE', 'AFTER']
    })
    const [before = '', after = ''] = positionals
    const changes = diffPlans(await loadPlan(before), await loadPlan(after))
    for (const change of changes) {
      const { isBreaking, rule, description } = change
      if (flags.has('json')) terminal.out(JSON.stringify({ breaking: isBreaking, rule, description }))
      else terminal.out(`${isBreaking ? 'breaking' : 'ok      '}  ${rule}: ${description}`)
    }
    const breaking = changes.filter(({ isBreaking }) => isBreaking).length
    if (breaking > 0) throw new CommandFailed(`${breaking} of ${changes.length} changes are breaking`)
    terminal.note(changes.length === 0 ? 'no change' : `no change is breaking, of ${changes.length}`)
  }
}
