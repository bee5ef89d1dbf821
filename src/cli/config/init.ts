import { readConfigFileName } from '../../config/env/environment.ts'
import { parseTributaryFile } from '../../config/file/tributary-file.ts'
import { createConfigFile, FIRST_SOURCE } from '../../keys/edit/first-file.ts'
import { readTributaryFile } from '../../keys/edit/edit-file.ts'
import type { Command } from '../command.ts'
import { CommandFailed, parseArguments } from '../command.ts'
import { checkNewSource } from '../keys/new-source.ts'

export const init: Command = {
  help: `Usage: tributary init [--file FILE] [--source ID] [--name NAME] [--if-missing] [--json]

Creates a config file with one source, which only its owner can read, and prints the source's write key once.

  --file FILE    the file to create (default: CONFIG_FILE, else tributary.yml)
  --source ID    id of the source (default: ${FIRST_SOURCE.id})
  --name NAME    its name, for people
  --if-missing   succeed and print nothing if the file exists and is valid
  --json         the key as JSON

Examples:
  tributary init
  tributary init --source web --name "Marketing site"
  tributary init --file /data/tributary.yml --if-missing`,
  async run(args, terminal) {
    const { texts, flags } = parseArguments(args, {
      options: {
        file: { type: 'string' },
        source: { type: 'string' },
        name: { type: 'string' },
        'if-missing': { type: 'boolean' },
        json: { type: 'boolean' }
      }
    })
    const file = texts['file'] ?? readConfigFileName()
    const source = texts['source'] ?? FIRST_SOURCE.id
    const name = texts['name'] ?? (texts['source'] === undefined ? FIRST_SOURCE.name : source)
    checkNewSource({ id: source, name })
    const writeKey = await createConfigFile(file, { id: source, name })
    if (writeKey !== undefined) {
      terminal.note(`${file}: made, with the source "${source}". Its write key:`)
      terminal.out(flags.has('json') ? JSON.stringify({ file, source, writeKey }) : writeKey)
    } else if (flags.has('if-missing')) {
      await readTributaryFile(file, parseTributaryFile)
    } else {
      throw new CommandFailed(`${file}: there is one already`)
    }
  }
}
