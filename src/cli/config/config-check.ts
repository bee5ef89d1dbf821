import { dirname, resolve } from 'node:path'
import { loadCompiledPlan } from '../../governance/plans/load-plan.ts'
import type { Command } from '../command.ts'
import { parseArguments } from '../command.ts'
import { topicNames } from '../../app/topic-names.ts'
import type { Config } from '../../config/env/config.ts'
import { readConfigFileName, readEnvironment } from '../../config/env/environment.ts'
import { parseTributaryFile } from '../../config/file/tributary-file.ts'
import { hashKeyProblem } from '../../governance/privacy/check-hash-key.ts'
import { checkTopics } from '../../ingest/route/topic-conflicts.ts'
import { isConfigError } from '../../model/config-error.ts'
import { readKeysFile } from '../keys/keys-file.ts'

export const configCheck: Command = {
  help: `Usage: tributary config check [FILE] [--json]

Checks a config file (default: CONFIG_FILE, else tributary.yml) and the tracking plans that it names, and prints every mistake as
file:line:column. Its topics are compared with those of EVENTS_TOPIC, REJECTED_TOPIC, VIOLATIONS_TOPIC and FLEET_NAME.

  --json   print the content of the file as JSON

Examples:
  tributary config check
  tributary config check staging.yml && cp staging.yml tributary.yml`,
  async run(args, terminal) {
    const parsed = parseArguments(args, { options: { json: { type: 'boolean' } }, positionals: ['[FILE]'] })
    const file = parsed.positionals[0] ?? readConfigFileName()
    const warn = (problem: string): void => terminal.note(`warning: ${problem}`)
    const config = readVariables(warn)
    const parse = config === undefined ? parseTributaryFile : checkTopics(parseTributaryFile, topicNames(config), warn)
    const { file: content, writeKeys } = await readKeysFile(file, parse)
    const unhashed = config === undefined ? undefined : hashKeyProblem(content, config.privacyHashKey)
    const { sources, destinations } = content
    const plans = new Set(sources.flatMap(({ plan }) => (plan === undefined ? [] : [plan.file])))
    for (const plan of plans) await loadCompiledPlan(resolve(dirname(file), plan))
    const numbers = { sources: sources.length, writeKeys: writeKeys.size, destinations: destinations.length }
    if (parsed.flags.has('json')) return terminal.out(JSON.stringify({ file, valid: true, ...numbers }))
    const counts = `sources: ${sources.length}, write keys: ${writeKeys.size}, destinations: ${destinations.length}`
    terminal.out(`${file}: valid (${counts})`)
    // Not an error of the file: the machine that checks it may have other variables than the server.
    if (unhashed !== undefined) terminal.out(`${file}: not usable with these variables: ${unhashed}`)
  }
}

/** The variables. Undefined where they cannot be used, because the file can be checked without them. */
function readVariables(warn: (problem: string) => void): Config | undefined {
  try {
    return readEnvironment()
  } catch (error) {
    if (!isConfigError(error)) throw error
    warn('the topics were not compared, because some variables are wrong: "tributary config" names them')
    return undefined
  }
}
