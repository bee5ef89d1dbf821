/**
 * src/ingest/parse/walk-code.ts, compiled from wasm/walk.ts.
 *
 *   node scripts/walk-code.ts --write src/ingest/parse/walk-code.ts   writes it
 *   node scripts/walk-code.ts --check src/ingest/parse/walk-code.ts   exits 1 unless the file is that, letter for letter
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const COMPILER = 'node_modules/assemblyscript/bin/asc.js'
/** No runtime: the walk allocates nothing. */
const OPTIONS = ['-O3', '--runtime', 'stub', '--noAssert', '--enable', 'simd', '--use', 'abort=']

/** Runs the compiler as a command: its types would declare AssemblyScript's globals for the whole project. */
function compile(source: string): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-walk-'))
  try {
    const file = join(folder, 'walk.wasm')
    execFileSync(process.execPath, [COMPILER, source, ...OPTIONS, '--outFile', file], { stdio: 'inherit' })
    return readFileSync(file)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function toModule(code: Buffer): string {
  const lines =
    Buffer.from(code)
      .toString('base64')
      .match(/.{1,110}/g) ?? []
  return `/**
 * wasm/walk.ts, compiled: written by \`node scripts/walk-code.ts --write src/ingest/parse/walk-code.ts\`. Base64, so that it is
 * a module like any other.
 */
export const WALK_CODE = \`
${lines.join('\n')}
\`
`
}

const { values } = parseArgs({ options: { check: { type: 'string' }, write: { type: 'string' } } })
const text = toModule(compile('wasm/walk.ts'))
if (values.write !== undefined) writeFileSync(values.write, text)
else if (values.check === undefined) console.log(text)
else if (readFileSync(values.check, 'utf8') !== text) {
  console.error(`${values.check} is out of date: node scripts/walk-code.ts --write ${values.check}`)
  process.exitCode = 1
}
