import { readKeyEntry } from '../../keys/key-digest.ts'
import { inColumns } from '../columns.ts'
import type { Command } from '../command.ts'
import { parseArguments } from '../command.ts'
import { FILE_HELP, FILE_OPTION, writeKeysOf, readKeys, sourceOf } from './keys-file.ts'

export const keysList: Command = {
  help: `Usage: tributary keys list [SOURCE] [--file FILE]

Lists sources and their write keys. Of a key only its beginning and its end are shown.

${FILE_HELP}

Examples:
  tributary keys list
  tributary keys list web`,
  async run(args, terminal) {
    const parsed = parseArguments(args, { options: FILE_OPTION, positionals: ['[SOURCE]'] })
    const content = await readKeys(parsed)
    const [id] = parsed.positionals
    const sources = id === undefined ? content.file.sources : [sourceOf(content, id)]
    const rows = sources.flatMap(source =>
      writeKeysOf(content, source.id).map(key => [
        source.id,
        readKeyEntry(key).shown,
        source.enabled ? 'enabled' : 'disabled',
        source.name
      ])
    )
    terminal.out(inColumns([['SOURCE', 'KEY', 'STATE', 'NAME'], ...rows]))
  }
}
