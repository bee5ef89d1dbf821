import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { readEnvironment } from '../../config/env/environment.ts'
import { recordFolders } from '../../fleet/workers/folders.ts'
import type { PiiReport } from '../../governance/privacy/scan-events.ts'
import { PiiScan } from '../../governance/privacy/scan-events.ts'
import type { Command, Terminal } from '../command.ts'
import { CommandFailed, parseArguments } from '../command.ts'

const FOLDERS = ['events', 'rejected', 'violations', 'spool'] as const

export const privacyScan: Command = {
  help: `Usage: tributary privacy scan [FILE] [--json] [--fail]

Lists where events seem to contain personal data, by the names of members and the form of values. It prints paths in the form
of "privacy.drop" and "privacy.hash", and never a value. FILE is NDJSON, - is standard input; the default is the log in DATA_DIR
(events, refused events, and the spool). The results are hints, not proof: names of people are found only by their key.

  --json  one finding per line, as JSON
  --fail  exit code 1 if anything is found, for CI

Examples:
  tributary privacy scan
  kcat -C -t tributary.events -o -10000 -e | tributary privacy scan - --json`,
  async run(args, terminal) {
    const parsed = parseArguments(args, {
      options: { json: { type: 'boolean' }, fail: { type: 'boolean' } },
      positionals: ['[FILE]']
    })
    const scan = new PiiScan()
    for (const file of await filesOf(parsed.positionals[0])) {
      const input = file === '-' ? process.stdin : createReadStream(file)
      for await (const line of createInterface({ input, crlfDelay: Infinity })) scan.add(line)
    }
    const report = scan.report()
    if (parsed.flags.has('json')) for (const finding of report.findings) terminal.out(JSON.stringify(finding))
    else print(report, terminal)
    if (parsed.flags.has('fail') && report.findings.length > 0) {
      throw new CommandFailed(`personal data seems to be at ${report.findings.length} places`)
    }
  }
}

async function filesOf(given: string | undefined): Promise<string[]> {
  if (given !== undefined) return [given]
  const { dataDir } = readEnvironment()
  const files: string[] = []
  const folders = (await recordFolders(dataDir)).flatMap(home => FOLDERS.map(folder => join(home, folder)))
  for (const folder of folders) {
    const names = await readdir(folder).catch(() => [])
    files.push(...names.filter(name => name.endsWith('.ndjson')).map(name => join(folder, name)))
  }
  if (files.length === 0) throw new CommandFailed(`there are no events in ${dataDir}; name a FILE`)
  return files.sort()
}

function print({ events, unreadable, findings, omitted }: PiiReport, terminal: Terminal): void {
  const width = Math.max(4, ...findings.map(({ path }) => path.length))
  for (const { level, path, kind, by, events: count } of findings) {
    terminal.out(`${level.padEnd(6)} ${path.padEnd(width)}  ${kind} (by ${by}), ${count} of ${events} events`)
  }
  const lines = unreadable === 0 ? '' : `; ${unreadable} lines are no JSON objects`
  const more = omitted === 0 ? '' : `; ${omitted} more places were not counted`
  terminal.note(`${events} events, ${findings.length} findings${lines}${more}`)
}
