import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const REPOSITORY = join(import.meta.dirname, '..', '..', '..')
const PAGE = readFileSync(join(REPOSITORY, 'docs', 'reading.md'), 'utf8')
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024
const TIMEOUT_MS = 150_000

/** One order as a reader returns it: messageId, order number, price; the last two as text, null if there is none. */
export type Row = readonly [id: string, orderId: string | null, price: string | null]

export interface Reader {
  /** The heading of its section. */
  readonly name: string
  /** Runs the commands of the section in a folder that contains `data/`. */
  read(dir: string): Promise<readonly Row[]>
}

/** The code blocks of one language under a heading of docs/reading.md. Throws if there are none. */
export function blocksOf(heading: string, language: string): readonly string[] {
  const [, section = ''] = PAGE.split(`\n## ${heading}\n`)
  const blocks = section.split('\n## ')[0]?.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs')) ?? []
  const texts = [...blocks].map(([, text = '']) => text)
  if (texts.length === 0) throw new Error(`docs/reading.md has no ${language} under ${heading}`)
  return texts
}

/** What a reader returns for the integer and for 1.10, according to the page's table. */
export function promisedBy(name: string): readonly [integer: string, price: string] {
  const row = new RegExp(`^\\| ${name}[^|]*\\| ([^|]+) \\| ([^|]+) \\|$`, 'm').exec(PAGE)
  if (row === null) throw new Error(`docs/reading.md does not mention ${name}`)
  const [integer = '', price = ''] = row.slice(1).map(cell => cell.replaceAll('`', ''))
  return [integer, price]
}

/** Runs a program to its end. Rejects with its output if it fails. */
export async function runIn(
  dir: string,
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {}
): Promise<string> {
  const options = { cwd: dir, env: { ...process.env, ...env }, maxBuffer: MAX_OUTPUT_BYTES, timeout: TIMEOUT_MS }
  return (await promisify(execFile)(program, args, options)).stdout
}

/** Prints the result of a script as the rows that the test compares. */
const PRINT_ROWS = `
import json as _json
def _print(rows):
    cells = [[None if cell is None else str(cell) for cell in row] for row in rows]
    print('ROWS' + _json.dumps(cells))
`

interface Script {
  readonly interpreter: string
  readonly text: string
  /** A Python expression: the rows of the script's result. */
  readonly rows: string
}

async function python(dir: string, { interpreter, text, rows }: Script): Promise<readonly Row[]> {
  const output = await runIn(dir, interpreter, ['-c', `${text}\n${PRINT_ROWS}\n_print(${rows})`])
  return JSON.parse(output.slice(output.lastIndexOf('ROWS') + 4)) as Row[]
}

/** A reader in Python. As the page says, those of pandas and PyArrow begin with that of Python. */
export function pythonReader(name: string, interpreter: string, rows: string): Reader {
  const before = ['pandas', 'PyArrow'].includes(name) ? blocksOf('Python', 'python') : []
  const text = [...before, ...blocksOf(name, 'python')].join('\n')
  return { name, read: dir => python(dir, { interpreter, text, rows }) }
}

export function duckDbReader(interpreter: string): Reader {
  const sql = JSON.stringify(blocksOf('DuckDB', 'sql').join('\n'))
  const text = `import duckdb\nresult = duckdb.connect().execute(${sql})`
  return { name: 'DuckDB', read: dir => python(dir, { interpreter, text, rows: 'result.fetchall()' }) }
}

export function clickHouseReader(interpreter: string): Reader {
  const sql = JSON.stringify(blocksOf('ClickHouse', 'sql')[0])
  const text = `import chdb, json\nresult = str(chdb.query(${sql}, 'JSONCompactEachRow'))`
  const rows = '[[cell or None for cell in json.loads(line)] for line in result.splitlines()]'
  return {
    name: 'ClickHouse',
    async read(dir) {
      const read = await python(dir, { interpreter, text, rows })
      return read.map(([id, orderId, price]) => [id, unquoted(orderId), unquoted(price)])
    }
  }
}

/** A text in quotes, as simpleJSONExtractRaw returns it. */
function unquoted(value: string | null): string | null {
  return value?.startsWith('"') === true ? (JSON.parse(value) as string) : value
}

const CELL = /"((?:[^"\\]|\\.)*)"|null|[-+.0-9eE]+/g

export function jqReader(): Reader {
  const [command = ''] = blocksOf('jq', 'sh')
  return {
    name: 'jq',
    async read(dir) {
      const lines = (await runIn(dir, 'sh', ['-c', command])).trim().split('\n')
      // Its numbers are compared as it writes them, without a parser.
      return lines.map(line => {
        const cells = [...line.matchAll(CELL)].map(([all, text]) => text ?? (all === 'null' ? null : all))
        return [cells[0] ?? '', cells[1] ?? null, cells[2] ?? null]
      })
    }
  }
}
