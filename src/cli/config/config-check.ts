import { dirname, resolve } from 'node:path'
import { loadCompiledPlan } from '../../governance/plans/load-plan.ts'
import type { Command } from '../command.ts'
import { parseArguments } from '../command.ts'
import { readConfigFileName } from '../../config/env/environment.ts'
import { readKeysFile } from '../keys/keys-file.ts'

export const configCheck: Command = {
  help: `Usage: tributary config check [FILE] [--json]

Checks a config file (default: CONFIG_FILE, else tributary.yml) and the tracking plans that it names, and prints every mistake as
file:line:column.

  --json   print the content of the file as JSON

Examples:
  tributary config check
  tributary config check staging.yml && cp staging.yml tributary.yml`,
  async run(args, terminal) {
    const parsed = parseArguments(args, { options: { json: { type: 'boolean' } }, positionals: ['[FILE]'] })
    const file = parsed.positionals[0] ?? readConfigFileName()
    const { file: content, writeKeys } = await readKeysFile(file)
    const { sources, destinations } = content
    const plans = new Set(sources.flatMap(({ plan }) => (plan === undefined ? [] : [plan.file])))
    for (const plan of plans) await loadCompiledPlan(resolve(dirname(file), plan))
    const numbers = { sources: sources.length, writeKeys: writeKeys.size, destinations: destinations.length }
    if (parsed.flags.has('json')) return terminal.out(JSON.stringify({ file, valid: true, ...numbers }))
    const counts = `sources: ${sources.length}, write keys: ${writeKeys.size}, destinations: ${destinations.length}`
    terminal.out(`${file}: valid (${counts})`)
  }
}
