import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const require = createRequire(import.meta.url)

/**
 * The folder for what a start makes and later starts use again: Node's compile cache (start.js), and what this module and
 * parseKept() keep. It is in node_modules, because anyone who can write there can change the code anyway.
 */
export const CACHE_DIR = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'tributary')

/** The most files of code that a folder keeps: each other configuration, and each version of the code, makes its own. */
const MAX_KEPT_FILES = 20

export interface KeptCodeOptions<T> {
  /** Undefined: nothing is kept. */
  readonly dir: string | undefined
  /** All that the code depends on. */
  readonly from: readonly string[]
  /** Makes the code: what it exports, and its text as a CommonJS module. */
  readonly make: () => { readonly exports: T; readonly text: string }
}

/**
 * Returns what generated code exports. The code is kept in `dir` under the digest of what it depends on, so that a later start
 * only loads it. If it cannot be kept, or what is kept is damaged, it is made again.
 */
export function keptCode<T>({ dir, from, make }: KeptCodeOptions<T>): T {
  if (dir === undefined) return make().exports
  const file = join(dir, `${digestOf(JSON.stringify(from))}.cjs`)
  const kept = load(file)
  if (kept !== undefined) return kept as T
  const { exports, text } = make()
  keep(file, `${sealOf(text)}\n${text}`)
  removeOldest(dir)
  // From the file at once, so that Node keeps the compiled code of the first start already.
  return (load(file) as T | undefined) ?? exports
}

/** Removes the oldest files of code above MAX_KEPT_FILES. Who still needs one makes it again. */
function removeOldest(dir: string): void {
  try {
    const files = readdirSync(dir)
      .filter(name => name.endsWith('.cjs'))
      .map(name => join(dir, name))
    if (files.length <= MAX_KEPT_FILES) return
    const byAge = files.map(file => ({ file, at: statSync(file).mtimeMs })).toSorted((a, b) => b.at - a.at)
    for (const { file } of byAge.slice(MAX_KEPT_FILES)) rmSync(file, { force: true })
  } catch {
    // Another process removes them, or nobody may.
  }
}

/** Undefined if there is no such file, or if it is not whole: a crash of the machine can leave half of it. */
function load(file: string): unknown {
  try {
    const text = readFileSync(file, 'utf8')
    const end = text.indexOf('\n')
    return text.slice(0, end) === sealOf(text.slice(end + 1)) ? require(file) : undefined
  } catch {
    return undefined
  }
}

/** Writes a file by a rename, because another process may start at the same moment. If it cannot be written, there is none. */
export function keep(file: string, text: string): void {
  const unfinished = `${file}.${process.pid}`
  try {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(unfinished, text)
    renameSync(unfinished, file)
  } catch {
    // The next start makes it again. On a full disk, what was written of it is in the way.
    removeIfPossible(unfinished)
  }
}

function removeIfPossible(file: string): void {
  try {
    rmSync(file, { force: true })
  } catch {
    // Where nothing can be written, nothing is left.
  }
}

const sealOf = (text: string): string => `// ${digestOf(text)}`

/** SHA-256 in hexadecimal digits. */
export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
