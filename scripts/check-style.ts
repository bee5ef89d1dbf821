/**
 * Measures src/: prints a table, beside the values before the folders were restructured, and exits 1 if a folder, a
 * file or a function is over its limit. `node scripts/check-style.ts [ROOT]` measures another checkout.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import ts from 'typescript'

/** README.md, style sheets and pages are not counted. */
const CODE = /\.(ts|js)$/
const MAX_FILES_IN_FOLDER = 15
const MAX_FILE_LINES = 250
const MAX_FUNCTION_LINES = 60

/** The values of 96a0f22, measured by this program. */
const BEFORE = ['279', '65 / 189 / 276', '4 / 24 / 161', '14 / 31 / 40', '42', '2389']

interface Sized {
  readonly name: string
  readonly lines: number
}

interface Sizes {
  readonly files: readonly Sized[]
  readonly functions: readonly Sized[]
  readonly folders: readonly Sized[]
  readonly comments: number
  readonly rootImports: number
}

function linesOf(node: ts.Node, source: ts.SourceFile): number {
  const first = source.getLineAndCharacterOfPosition(node.getStart(source)).line
  return source.getLineAndCharacterOfPosition(node.end).line - first + 1
}

const nameOf = (node: ts.Node, source: ts.SourceFile): string =>
  ((node as ts.FunctionDeclaration).name ?? (node.parent as ts.VariableDeclaration).name)?.getText(source) ?? 'function'

function functionsOf(name: string, text: string): Sized[] {
  const source = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true)
  const found: Sized[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && 'body' in node && node.body !== undefined) {
      found.push({ name: `${name} ${nameOf(node, source)}`, lines: linesOf(node, source) })
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

const isComment = (line: string): boolean => /^\s*(\/\/|\/\*|\*)/.test(line)

function measure(root: string): Sizes {
  const paths = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter(path => CODE.test(path))
    .sort()
    .map(path => join(root, 'src', path))
  const texts = paths.map(path => [relative(root, path), readFileSync(path, 'utf8')] as const)
  const folders = Map.groupBy(texts, ([name]) => dirname(name))
  const composed = texts.find(([name]) => name === 'src/app/compose.ts' || name === 'src/app.ts')?.[1] ?? ''
  return {
    files: texts.map(([name, text]) => ({ name, lines: text.split('\n').length - 1 })),
    functions: texts.flatMap(([name, text]) => functionsOf(name, text)),
    folders: [...folders].map(([name, files]) => ({ name, lines: files.length })),
    comments: texts.flatMap(([, text]) => text.split('\n')).filter(isComment).length,
    rootImports: new Set(Array.from(composed.matchAll(/^import .* from '(.*)'$/gm), match => match[1])).size
  }
}

function spread(all: readonly Sized[]): string {
  const sorted = all.map(({ lines }) => lines).sort((a, b) => a - b)
  const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? 0
  return `${at(0.5)} / ${at(0.95)} / ${at(1)}`
}

function table(sizes: Sizes): string {
  const rows = [
    ['files', String(sizes.files.length)],
    ['lines of a file: median / p95 / max', spread(sizes.files)],
    ['lines of a function: median / p95 / max', spread(sizes.functions)],
    ['files of a folder: median / p95 / max', spread(sizes.folders)],
    ['imports of the composition root', String(sizes.rootImports)],
    ['lines of comments', String(sizes.comments)]
  ]
  const lines = rows.map(([what = '', now = ''], row) => `  ${what.padEnd(42)}${(BEFORE[row] ?? '').padEnd(18)}${now}`)
  return [`  ${''.padEnd(42)}${'before'.padEnd(18)}now`, ...lines].join('\n')
}

const overLimits = ({ files, functions, folders }: Sizes): (Sized & { readonly limit: number })[] =>
  [
    ...files.map(file => ({ ...file, limit: MAX_FILE_LINES })),
    ...functions.map(one => ({ ...one, limit: MAX_FUNCTION_LINES })),
    ...folders.map(folder => ({ ...folder, limit: MAX_FILES_IN_FOLDER }))
  ].filter(({ lines, limit }) => lines > limit)

const sizes = measure(process.argv[2] ?? join(import.meta.dirname, '..'))
console.log(table(sizes))
for (const { name, lines, limit } of overLimits(sizes)) {
  console.error(`${name}: ${lines} of at most ${limit}`)
  process.exitCode = 1
}
