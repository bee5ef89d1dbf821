import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { startEnvOf } from '../support/start-args.ts'

const ROOT = new URL('../../', import.meta.url)
/** Every way to start the server, and the end of its command line. */
const STARTS = {
  'package.json': 'src/start.js',
  'bin/tributary': '"$code/$main"',
  'docker/entrypoint.sh': 'src/start.js'
}

function flagsOf(file: string, program: string): string[] {
  const lines = readFileSync(new URL(file, ROOT), 'utf8').split('\n')
  const line = lines.find(text => text.includes(` ${program}`)) ?? ''
  return line.slice(0, line.indexOf(program)).match(/--\S+/g) ?? []
}

t.test('V8 has the same flags however the server is started', async t => {
  const flags = Object.entries(STARTS).map(([file, program]) => flagsOf(file, program))
  t.ok(
    flags[0]?.some(flag => flag.startsWith('--max-semi-space-size=')),
    'the server has flags of V8'
  )
  for (const other of flags) t.same(other, flags[0])
})

t.test('glibc uses one arena however the server is started, unless the operator sets more', async t => {
  const files = {
    'package.json': '${MALLOC_ARENA_MAX:-1}',
    'bin/tributary': '"${MALLOC_ARENA_MAX:-1}"',
    Dockerfile: '1'
  }
  for (const [file, value] of Object.entries(files)) {
    const text = readFileSync(new URL(file, ROOT), 'utf8')
    t.equal(/MALLOC_ARENA_MAX=(\S+)/.exec(text)?.[1], value, file)
  }
  t.strictSame(startEnvOf(fileURLToPath(ROOT)), { MALLOC_ARENA_MAX: '1' })
})
