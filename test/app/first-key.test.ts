/** The first start prints its write key in one place only. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { MAIN, run } from '../cli/run.ts'
import { ownFolder } from '../support/own-folder.ts'
import { START_ARGS } from '../support/start-args.ts'
import { until } from '../support/until.ts'

const KEY = /wk_[A-Za-z0-9]{32}/
const ROOT = join(import.meta.dirname, '..', '..')
/** Gives the program that follows a terminal as its standard output. */
const ON_A_TERMINAL = ['python3', '-c', 'import pty, sys; pty.spawn(sys.argv[1:])']

const root = ownFolder(t, {})

interface Started {
  readonly dir: string
  /** Both outputs of the first start. */
  readonly printed: string
}

async function firstStart(t: Test, env: Record<string, string> = {}, before: readonly string[] = []): Promise<Started> {
  const dir = mkdtempSync(join(root, 'start-'))
  const [program = '', ...args] = [...before, process.execPath, ...START_ARGS]
  const base = { PATH: process.env['PATH'] ?? '', PORT: '0', ADMIN_PORT: '0', LOG_FORMAT: 'json' }
  const child = spawn(program, args, { cwd: dir, env: { ...base, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  await until(() => printed.includes('curl '), {
    what: 'the curl line of the banner',
    timeoutMs: 60_000,
    seen: () => printed
  })
  child.kill('SIGTERM')
  await once(child, 'exit')
  return { dir, printed }
}

t.test('If standard output is not a terminal, the first start prints no key and says how to see it', async t => {
  const { dir, printed } = await firstStart(t)
  t.notMatch(printed, KEY)
  t.match(
    printed,
    /Write key {2}not printed, because standard output is not a terminal; "tributary keys list --show" shows it/
  )
  const { stdout } = await run(process.execPath, [MAIN, 'keys', 'list', '--show'], { cwd: dir })
  const [key = ''] = KEY.exec(stdout) ?? []
  t.match(readFileSync(join(dir, 'tributary.yml'), 'utf8'), key, 'the printed key is in the file')
  const audit = await run(process.execPath, [MAIN, 'audit', '--action', 'key_shown'], { cwd: dir })
  t.match(audit.stdout, /keys list of all sources --show/, 'the audit log has an entry for the printed keys')
})

t.test('It prints the key on a terminal, and elsewhere only if it is told to', async t => {
  for (const started of [await firstStart(t, { SHOW_FIRST_KEY: 'always' }), await firstStart(t, {}, ON_A_TERMINAL)]) {
    const [key = 'none'] = KEY.exec(started.printed) ?? []
    t.match(readFileSync(join(started.dir, 'tributary.yml'), 'utf8'), key)
    t.match(started.printed, `curl -u ${key}: `)
  }
})

t.test("The image's first start protects the key in the same way", async t => {
  const text = readFileSync(join(ROOT, 'docker', 'entrypoint.sh'), 'utf8')
  const start = async (env: Record<string, string>): Promise<string> => {
    const dir = mkdtempSync(join(root, 'image-'))
    // Only the folder and the server differ.
    const script = text.replaceAll('/data/', `${dir}/`).replace(/^exec node .*$/m, 'exit 0')
    t.not(script, text)
    const bin = join(ROOT, 'bin')
    const path = `${bin}:${join(ROOT, 'node_modules', '.bin')}:${process.env['PATH'] ?? ''}`
    const { stdout, code } = await run('sh', ['-c', script], {
      cwd: ROOT,
      env: { DATA_DIR: dir, CONFIG_FILE: join(dir, 'tributary.yml'), PATH: path, ...env }
    })
    t.equal(code, 0)
    t.match(readFileSync(join(dir, 'tributary.yml'), 'utf8'), KEY)
    return stdout
  }
  const quiet = await start({})
  t.notMatch(quiet, KEY)
  t.match(quiet, 'docker exec CONTAINER tributary keys list --show')
  t.match(await start({ SHOW_FIRST_KEY: 'always' }), KEY)
})
