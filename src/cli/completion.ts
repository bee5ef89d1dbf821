import type { Command } from './command.ts'
import { parseArguments } from './command.ts'
import { checkChoice } from './check-choice.ts'

const SHELLS = ['bash', 'zsh', 'fish'] as const

/** The parts of a command that a shell completes. */
interface Completed {
  readonly name: string
  readonly summary: string
  /** The options, with their dashes. */
  readonly options: readonly string[]
}

/** The commands by name. */
type Commands = Readonly<Record<string, { readonly summary: string; load(): Promise<Command> }>>

export const completionOf = (table: Commands): Command => ({
  help: `Usage: tributary completion bash|zsh|fish

Prints the script with which a shell completes the names of commands and options. Print it again after an upgrade, because it
contains the commands of this version.

Examples:
  tributary completion bash > ~/.local/share/bash-completion/completions/tributary
  tributary completion zsh > "\${fpath[1]}/_tributary"
  tributary completion fish > ~/.config/fish/completions/tributary.fish`,
  async run(args, terminal) {
    const [shell = ''] = parseArguments(args, { positionals: ['SHELL'] }).positionals
    checkChoice('SHELL', shell, SHELLS)
    const commands = await readCommands(table)
    if (shell === 'fish') return terminal.out(fish(commands))
    if (shell === 'bash') return terminal.out(bash(commands))
    terminal.out(`#compdef tributary\nautoload -U +X bashcompinit && bashcompinit\n${bash(commands)}`)
  }
})

function readCommands(table: Commands): Promise<Completed[]> {
  return Promise.all(
    Object.entries(table).map(async ([name, { summary, load }]) => {
      const { help } = await load()
      const named = help.split('\nExamples:')[0]?.match(/--[a-z][a-z-]*/g) ?? []
      return { name, summary, options: [...new Set([...named, '--help'])].toSorted() }
    })
  )
}

function bash(commands: readonly Completed[]): string {
  const firsts = [...new Set(commands.map(({ name }) => name.split(' ')[0] as string))]
  const seconds = firsts.flatMap(first => {
    const words = commands.flatMap(({ name }) => (name.startsWith(`${first} `) ? [name.slice(first.length + 1)] : []))
    return words.length === 0 ? [] : [`      ${first}) words="${words.join(' ')}" ;;`]
  })
  const options = commands.map(({ name, options: own }) => `    "${name}") options="${own.join(' ')}" ;;`)
  return `_tributary() {
  local current=\${COMP_WORDS[COMP_CWORD]} first=\${COMP_WORDS[1]-} second=\${COMP_WORDS[2]-} words= options=
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${firsts.join(' ')} --help --version" -- "$current"))
    return
  fi
  if [ "$COMP_CWORD" -eq 2 ] && [ "\${current#-}" = "$current" ]; then
    case $first in
${seconds.join('\n')}
    esac
    COMPREPLY=($(compgen -W "$words" -- "$current"))
    [ \${#COMPREPLY[@]} -gt 0 ] && return
  fi
  case "$first $second" in
${options.filter((_, at) => commands[at]?.name.includes(' ')).join('\n')}
    *)
      case $first in
${options.filter((_, at) => !commands[at]?.name.includes(' ')).join('\n')}
      esac ;;
  esac
  if [ "\${current#-}" != "$current" ]; then
    COMPREPLY=($(compgen -W "$options" -- "$current"))
  else
    COMPREPLY=($(compgen -f -- "$current"))
  fi
}
complete -o filenames -F _tributary tributary`
}

function fish(commands: readonly Completed[]): string {
  const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`\'`)}'`
  const lines = commands.flatMap(({ name, summary, options }) => {
    const [first = '', second] = name.split(' ')
    const isSecond = `__fish_seen_subcommand_from ${first}; and not __fish_seen_subcommand_from ${second ?? ''}`
    const own = second === undefined ? first : `${first}; and __fish_seen_subcommand_from ${second}`
    const word =
      second === undefined
        ? `complete -c tributary -n __fish_use_subcommand -a ${first} -d ${quoted(summary)}`
        : `complete -c tributary -n '${isSecond}' -a ${second} -d ${quoted(summary)}`
    const all = options.map(
      option => `complete -c tributary -n '__fish_seen_subcommand_from ${own}' -l ${option.slice(2)}`
    )
    return [word, ...all]
  })
  const groups = [...new Set(commands.filter(({ name }) => name.includes(' ')).map(({ name }) => name.split(' ')[0]))]
  return [...groups.map(group => `complete -c tributary -n __fish_use_subcommand -a ${group}`), ...lines].join('\n')
}
