/** Each `tributary` command line of README and docs names an existing command and existing options. */
import t from 'tap'
import { COMMANDS } from '../../src/cli/commands.ts'
import { commandBlocks, PAGES } from '../support/docs/command-lines.ts'

/** A command of ours: after variables, `npx`, a pipe, or `docker compose exec tributary`. */
const LINE = /(?:^|[|&;$(] *|npx |exec tributary |-- )tributary ([a-z]+)(?: ([a-z]+))?([^|&;#]*)/

interface Found {
  readonly page: string
  readonly line: string
  readonly first: string
  readonly second: string
  readonly rest: string
}

function commandLines(page: string): Found[] {
  return commandBlocks(page)
    .flat()
    .flatMap(line => {
      const [, first, second = '', rest = ''] = LINE.exec(line.replace(/^(?:[A-Z_]+=\S* +)+/, '')) ?? []
      return first === undefined ? [] : [{ page, line, first, second, rest }]
    })
}

t.test('every command line of README and docs names existing commands and options', async t => {
  const found = PAGES.flatMap(commandLines)
  t.ok(found.length > 30, `the pages have ${found.length} command lines`)
  for (const { page, line, first, second, rest } of found) {
    const command = COMMANDS[`${first} ${second}`] ?? COMMANDS[first]
    if (command === undefined) {
      t.fail(`${page}: there is no such command`, { line })
      continue
    }
    const { help } = await command.load()
    const options = rest.match(/(?<=\s)--[a-z][a-z-]*/g) ?? []
    const missing = options.filter(option => !help.includes(option))
    t.strictSame(missing, [], `all options exist in ${page}: ${line}`)
  }
})
