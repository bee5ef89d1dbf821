import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { digestOf, normalEntry, parseEntries } from '../../governance/suppress/entries.ts'
import { addToFile, DEFAULT_SUPPRESSION_FILE, removeFromFile } from '../../governance/suppress/suppression-file.ts'
import { auditCommand } from '../audited.ts'
import type { Command, ParsedArguments } from '../command.ts'
import { CommandFailed, parseArguments, UsageError } from '../command.ts'
import { FILE_HELP, FILE_OPTION, fileOf, readKeysFile } from './keys-file.ts'
import { counted } from '../counted.ts'

const OPTIONS = { ...FILE_OPTION, from: { type: 'string' } } as const

const WHERE = `The list is the file that "suppress.file" of the config file names, else suppressed.txt beside it. Ids are written as
their SHA-256. A running server has the change in force within 2 s.

  --from FILE  ids from a file, one a line; - reads standard input
${FILE_HELP}`

export const suppressAdd: Command = {
  help: `Usage: tributary suppress add [ID] [--from FILE] [--file FILE]

Events whose userId, anonymousId or previousId is ID are not stored from now on. Clients still get 200. Events that are
already stored stay.

${WHERE}

Examples:
  tributary suppress add user-4711
  cut -d, -f1 requests.csv | tributary suppress add --from -`,
  async run(args, terminal) {
    const parsed = parseArguments(args, { options: OPTIONS, positionals: ['[ID]'] })
    const { changed, entries } = await addToFile(await listFileOf(parsed), await idsOf(parsed))
    auditCommand('suppressed', `${counted(changed, 'user')} suppressed`)
    terminal.note(`${counted(changed, 'user')} added; the file has ${entries}`)
  }
}

export const suppressRemove: Command = {
  help: `Usage: tributary suppress remove [ID] [--from FILE] [--file FILE]

Events of ID are stored again.

${WHERE}

Examples:
  tributary suppress remove user-4711`,
  async run(args, terminal) {
    const parsed = parseArguments(args, { options: OPTIONS, positionals: ['[ID]'] })
    const ids = await idsOf(parsed)
    const file = await listFileOf(parsed)
    const { changed, entries } = await removeFromFile(file, ids)
    const inConfig = new Set((await readKeysFile(fileOf(parsed))).file.suppress?.users.map(shown))
    const left = ids.filter(id => inConfig.has(shown(id)))
    auditCommand('unsuppressed', `${counted(changed, 'user')} taken off the suppression list`)
    terminal.note(`${counted(changed, 'user')} removed; the file has ${entries}`)
    if (left.length > 0) {
      throw new CommandFailed(
        `${counted(left.length, 'user')} stays suppressed by "suppress.users" of ${fileOf(parsed)}: edit that file`
      )
    }
    if (changed === 0) throw new CommandFailed(`${file} has no such user`)
  }
}

export const suppressList: Command = {
  help: `Usage: tributary suppress list [--json] [--file FILE]

Prints the entries, one per line: sha256: and the SHA-256 of an id. To check whether an id is on the list:
  tributary suppress list | grep "$(printf %s user-4711 | sha256sum | cut -c1-64)"

  --json       as a JSON array
${FILE_HELP}

Examples:
  tributary suppress list --json | jq length`,
  async run(args, terminal) {
    const parsed = parseArguments(args, { options: { ...FILE_OPTION, json: { type: 'boolean' } } })
    const { file } = await readKeysFile(fileOf(parsed))
    const path = await listFileOf(parsed)
    const read = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' && file.suppress?.file === undefined) return ''
      throw error
    })
    const entries = [...(file.suppress?.users ?? []), ...parseEntries(read, path)].map(shown)
    if (parsed.flags.has('json')) terminal.out(JSON.stringify(entries))
    else for (const entry of entries) terminal.out(entry)
  }
}

function shown(entry: string): string {
  const normal = normalEntry(entry)
  return normal.startsWith('sha256:') ? normal : digestOf(entry)
}

async function listFileOf(parsed: ParsedArguments): Promise<string> {
  const configFile = fileOf(parsed)
  const { file } = await readKeysFile(configFile)
  return resolve(dirname(resolve(configFile)), file.suppress?.file ?? DEFAULT_SUPPRESSION_FILE)
}

async function idsOf({ positionals: [id], texts: { from } }: ParsedArguments): Promise<string[]> {
  if ((id === undefined) === (from === undefined)) throw new UsageError('give one ID, or --from FILE')
  if (id !== undefined) return [id]
  const read = from === '-' ? await text(process.stdin) : await readFile(from ?? '', 'utf8')
  const ids = read.split(/\r?\n/).filter(line => line !== '')
  if (ids.length === 0) throw new UsageError('there is no ID in it')
  return ids
}
