/**
 * Fills dist/ with what the npm package runs: src/ as JavaScript, with the same folders, so that every path from a module to
 * a file of the package stays the same. A checkout runs src/ itself; inside `node_modules` Node strips no types
 * (ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING). `npm pack` and `npm publish` run this first.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, rmSync } from 'node:fs'
import { extname, join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')
const [SOURCE, TARGET] = [join(ROOT, 'src'), join(ROOT, 'dist')]

/** Files that the compiler writes itself, and files that nobody needs at run time. */
const NOT_COPIED = new Set(['.ts', '.md'])

const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
if (!existsSync(compiler)) {
  throw new Error('building the package needs the development packages: run "npm ci" without --omit=dev first')
}
rmSync(TARGET, { recursive: true, force: true })
cpSync(SOURCE, TARGET, { recursive: true, filter: path => !NOT_COPIED.has(extname(path)) })
const { status } = spawnSync(
  process.execPath,
  [compiler, '--project', join(ROOT, 'tsconfig.package.json'), '--incremental', 'false'],
  {
    stdio: ['ignore', 'inherit', 'inherit']
  }
)
process.exitCode = status ?? 1
