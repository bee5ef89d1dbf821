import { readFileSync } from 'node:fs'
import { suggest } from '../config/suggest.ts'
import { isConfigError } from '../model/config-error.ts'
import { COMMANDS, GROUPS } from './commands.ts'
import type { Terminal } from './command.ts'
import { CommandFailed, EventsLeft, UsageError } from './command.ts'

const EXIT = { failed: 1, usage: 2, left: 75 } as const

const terminal: Terminal = {
  out: text => void process.stdout.write(`${text}\n`),
  note: text => void process.stderr.write(`${text}\n`)
}

/** @param group only the commands that begin with this word */
function generalHelp(group?: string): string {
  const lines = Object.entries(COMMANDS)
    .filter(([name]) => group === undefined || name.startsWith(`${group} `))
    .map(([name, { summary }]) => `  ${name.padEnd(17)}${summary}`)
  return `Usage: tributary ${group === undefined ? '' : `${group} `}<command> [options]

Commands:
${lines.join('\n')}

  tributary <command> --help   options and examples
  tributary --version`
}

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

function find(args: readonly string[]): { readonly name: string; readonly rest: readonly string[] } {
  const [first = '', second = ''] = args
  if (Object.hasOwn(COMMANDS, `${first} ${second}`)) return { name: `${first} ${second}`, rest: args.slice(2) }
  if (Object.hasOwn(COMMANDS, first)) return { name: first, rest: args.slice(1) }
  if (first === '') throw new UsageError('a command is missing')
  const isGroup = GROUPS.includes(first)
  if (isGroup && second === '') throw new UsageError(`${first} needs a command`)
  const word = isGroup ? `${first} ${second}` : first
  throw new UsageError(`there is no command "${word}"${meant(first, second)}`)
}

/** The command or the group whose help describes what was typed, with a space; nothing if there is neither. */
function helpTopic([first = '', second = '']: readonly string[]): string {
  const known = [`${first} ${second}`, first].find(name => Object.hasOwn(COMMANDS, name) || GROUPS.includes(name))
  return known === undefined ? '' : `${known} `
}

/** A hint with the most similar command for two typed words, of which the second may be an argument. */
function meant(first: string, second: string): string {
  const names = [...Object.keys(COMMANDS), ...GROUPS]
  const found = suggest(`${first} ${second}`, names) ?? suggest(first, names)
  return found === undefined ? '' : `: did you mean "${found}"?`
}

async function main(args: readonly string[]): Promise<void> {
  const asksForHelp = args.includes('--help') || args.includes('-h')
  const typed = args.slice(0, 2).filter(word => !word.startsWith('-'))
  if (asksForHelp && typed.length === 0) return terminal.out(generalHelp())
  if (asksForHelp && GROUPS.includes(typed.join(' '))) return terminal.out(generalHelp(typed[0]))
  if (args[0] === '--version') return terminal.out(version())
  const { name, rest } = find(args)
  const command = await COMMANDS[name]?.load()
  if (asksForHelp) return terminal.out(command?.help ?? '')
  await command?.run(rest, terminal)
}

function fail(error: unknown): void {
  process.exitCode = error instanceof UsageError ? EXIT.usage : EXIT.failed
  if (error instanceof UsageError) {
    return terminal.note(`tributary: ${error.message}\nSee "tributary ${helpTopic(process.argv.slice(2))}--help".`)
  }
  if (error instanceof EventsLeft) {
    process.exitCode = EXIT.left
    if (error.message !== '') terminal.note(error.message)
    return
  }
  const expected =
    error instanceof CommandFailed || isConfigError(error) || (error as { errno?: unknown }).errno !== undefined
  terminal.note(expected ? (error as Error).message : String((error as Error).stack ?? error))
}

// The reader of a pipe may stop early: `tributary rejected list --json | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit()
})

await main(process.argv.slice(2)).catch(fail)
