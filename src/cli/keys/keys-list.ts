import { maskWriteKey } from '../../keys/write-key.ts'
import type { Command } from '../command.ts'
import { parseArguments } from '../command.ts'
import { FILE_HELP, FILE_OPTION, fileOf, writeKeysOf, readKeysFile, sourceOf } from './keys-file.ts'

export const keysList: Command = {
  help: `Usage: tributary keys list [SOURCE] [--file FILE]

Lists sources and their write keys. Of a key only its beginning and its end are shown.

${FILE_HELP}

Examples:
  tributary keys list
  tributary keys list web`,
  async run(args, terminal) {
    const parsed = parseArguments(args, { options: FILE_OPTION, positionals: ['[SOURCE]'] })
    const content = await readKeysFile(fileOf(parsed))
    const [id] = parsed.positionals
    const sources = id === undefined ? content.file.sources : [sourceOf(content, id)]
    const rows = sources.flatMap(source =>
      writeKeysOf(content, source.id).map(key => [
        source.id,
        maskWriteKey(key),
        source.enabled ? 'enabled' : 'disabled',
        source.name
      ])
    )
    terminal.out(inColumns([['SOURCE', 'KEY', 'STATE', 'NAME'], ...rows]))
  }
}

function inColumns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0))) ?? []
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')
  return rows.map(row => line(row).trimEnd()).join('\n')
}
