import { addKeyText, addSourceText } from '../../keys/edit/edit-text.ts'
import { newWriteKey } from '../../keys/write-key.ts'
import type { Command } from '../command.ts'
import { CommandFailed, parseArguments, UsageError } from '../command.ts'
import { editKeys, FILE_HELP, FILE_OPTION, sourceOf } from './keys-file.ts'
import { checkNewSource } from './new-source.ts'

export const keysAdd: Command = {
  help: `Usage: tributary keys add SOURCE [--create [--name NAME]] [--json] [--file FILE]

Adds a new write key to a source and prints it once. A running server knows it within 2 s. With
FLEET=true the key is added for the whole fleet, and the command says on how many servers it is in force.

  --create     create the source, which must not exist
  --name NAME  the new source's name, for people (default: its id)
  --json       the key as JSON
${FILE_HELP}

Examples:
  tributary keys add web
  tributary keys add ios --create --name "iOS app"`,
  async run(args, terminal) {
    const parsed = parseArguments(args, {
      options: { ...FILE_OPTION, create: { type: 'boolean' }, json: { type: 'boolean' }, name: { type: 'string' } },
      positionals: ['SOURCE']
    })
    const id = parsed.positionals[0] ?? ''
    const name = parsed.texts['name']
    const create = parsed.flags.has('create')
    if (name !== undefined && !create) throw new UsageError('--name needs --create')
    const newSource = { id, name: name ?? id }
    if (create) checkNewSource(newSource)
    const writeKey = newWriteKey()
    const printInForce = await editKeys(parsed, `keys add ${id}`, (text, before) => {
      if (!create) sourceOf(before, id)
      else if (before.file.sources.some(source => source.id === id))
        throw new CommandFailed(`there is a source "${id}" already`)
      const next = create ? addSourceText(text, newSource, writeKey) : addKeyText(text, id, writeKey)
      return { text: next, added: [writeKey], removed: [] }
    })
    terminal.out(parsed.flags.has('json') ? JSON.stringify({ source: id, writeKey }) : writeKey)
    await printInForce(terminal)
  }
}
