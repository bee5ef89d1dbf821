/** Each `tributary` command line of README and docs names a command that there is, and options that it has. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { COMMANDS } from '../../src/cli/commands.ts'

const REPOSITORY = join(import.meta.dirname, '..', '..')
const PAGES = [
  'README.md',
  ...readdirSync(join(REPOSITORY, 'docs'))
    .filter(name => name.endsWith('.md'))
    .map(name => `docs/${name}`)
]
/** A command line: in a block of code, behind variables, `npx`, a pipe, or `docker compose exec tributary`. */
const LINE = /(?:^|[|&;$(] *|npx |exec tributary )tributary ([a-z]+)(?: ([a-z]+))?([^|&;#]*)/

interface Found {
  readonly page: string
  readonly line: string
  readonly first: string
  readonly second: string
  readonly rest: string
}

function commandLines(page: string): Found[] {
  const blocks = readFileSync(join(REPOSITORY, page), 'utf8').matchAll(/```sh\n(.*?)```|^((?: {4}\S.*\n)+)/gms)
  const lines = [...blocks].flatMap(([, fenced, indented]) =>
    (fenced ?? indented ?? '').replaceAll('\\\n', ' ').split('\n')
  )
  return lines.flatMap(line => {
    const [, first, second = '', rest = ''] = LINE.exec(line.trim().replace(/^(?:[A-Z_]+=\S* +)+/, '')) ?? []
    return first === undefined ? [] : [{ page, line: line.trim(), first, second, rest }]
  })
}

t.test('every command line of README and docs names a command and options that there are', async t => {
  const found = PAGES.flatMap(commandLines)
  t.ok(found.length > 30, `${found.length} command lines`)
  for (const { page, line, first, second, rest } of found) {
    const command = COMMANDS[`${first} ${second}`] ?? COMMANDS[first]
    if (command === undefined) {
      t.fail(`${page}: there is no such command`, { line })
      continue
    }
    const { help } = await command.load()
    const options = rest.match(/(?<=\s)--[a-z][a-z-]*/g) ?? []
    const missing = options.filter(option => !help.includes(option))
    t.strictSame(missing, [], `${page}: ${line}`)
  }
})
