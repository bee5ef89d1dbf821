import { readKeyEntry } from '../../keys/key-digest.ts'
import { auditCommand } from '../audited.ts'
import { formatColumns } from '../format-columns.ts'
import type { Command } from '../command.ts'
import { parseArguments } from '../command.ts'
import { FILE_HELP, FILE_OPTION, writeKeysOf, readKeys, sourceOf } from './keys-file.ts'

export const keysList: Command = {
  help: `Usage: tributary keys list [SOURCE] [--show] [--json] [--file FILE]

Lists sources and their write keys. Only the beginning and the end of a key are shown.

  --show       show whole keys, if the file does not have only their digests; this is audited
  --json       as JSON
${FILE_HELP}

Examples:
  tributary keys list
  tributary keys list web --show`,
  async run(args, terminal) {
    const parsed = parseArguments(args, {
      options: { ...FILE_OPTION, show: { type: 'boolean' }, json: { type: 'boolean' } },
      positionals: ['[SOURCE]']
    })
    const content = await readKeys(parsed)
    const [id] = parsed.positionals
    const sources = id === undefined ? content.file.sources : [sourceOf(content, id)]
    const isShown = parsed.flags.has('show')
    const rows = sources.flatMap(source =>
      writeKeysOf(content, source.id).map(key => [
        source.id,
        shownOf(key, isShown),
        source.enabled ? 'enabled' : 'disabled',
        source.name
      ])
    )
    if (isShown) auditCommand('key_shown', `keys list ${id ?? 'of all sources'} --show`)
    const asObject = ([source, key, state, name]: string[]): object => ({ source, key, state, name })
    if (parsed.flags.has('json')) terminal.out(JSON.stringify(rows.map(asObject)))
    else terminal.out(formatColumns([['SOURCE', 'KEY', 'STATE', 'NAME'], ...rows]))
  }
}

function shownOf(entry: string, isShown: boolean): string {
  const { key, shown } = readKeyEntry(entry)
  return isShown ? (key ?? shown) : shown
}
