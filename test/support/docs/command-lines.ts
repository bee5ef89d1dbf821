import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const REPOSITORY = join(import.meta.dirname, '..', '..', '..')
/** How a command line of an indented block begins; such blocks hold other things too. */
const COMMAND =
  /^(?:[A-Z_]+=\S+ |npx |npm |tributary |curl |tail |jq |git |kcat |openssl |systemctl |docker |helm |kubectl )/

/** README.md and all pages of docs/, as paths in the repository. */
export const PAGES: readonly string[] = [
  'README.md',
  ...readdirSync(join(REPOSITORY, 'docs'))
    .filter(name => name.endsWith('.md'))
    .map(name => `docs/${name}`)
]

/**
 * The shell commands of a page, block by block, in the page's order: lines of ```sh blocks, and of indented blocks whose
 * first line is a command. A line that ends with a backslash is one with the next; comments are left out.
 */
export function commandBlocks(page: string): string[][] {
  const text = readFileSync(join(REPOSITORY, page), 'utf8')
  return [...text.matchAll(/```sh\n([^]*?)```|^((?: {4}\S.*\n)+)/gm)].flatMap(([, fenced, indented]) => {
    const lines = (fenced ?? indented ?? '')
      .replaceAll('\\\n', ' ')
      .split('\n')
      .map(line => line.replace(/(?:^|\s+)#\s.*$/, '').trim())
      .filter(line => line !== '')
    return lines.length > 0 && (fenced !== undefined || COMMAND.test(lines[0] ?? '')) ? [lines] : []
  })
}
