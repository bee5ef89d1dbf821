/** Clients that three generators create from openapi.yml: their types, and the requests that they send. */
import { execFile } from 'node:child_process'
import { copyFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import type { Test } from 'tap'
import t from 'tap'
import { KEY, startApp } from '../support/app.ts'

const run = promisify(execFile)
const REPOSITORY = join(import.meta.dirname, '..', '..')
const CONTRACT = join(REPOSITORY, 'openapi.yml')
const PROGRAMS = join(REPOSITORY, 'test', 'support', 'clients')
const VENV = join(REPOSITORY, '.cache', 'venv', 'bin')
const TOOLS = join(REPOSITORY, 'node_modules', '.bin')

/** Status and code for each program's requests: seven valid calls, and three that the contract refuses. */
const ANSWERS = [
  ...Array.from({ length: 7 }, () => [200, null]),
  [400, 'no_user_anon_id'],
  [400, 'event_not_defined'],
  [400, 'multi_user_error']
]
const TYPES = ['identify', 'track', 'page', 'screen', 'group', 'alias', 'track', 'group']

/** Runs a generated client's program against the app, and checks the results. */
async function holds(t: Test, command: readonly string[], answers: readonly unknown[]): Promise<void> {
  const [program, ...args] = command as [string, ...string[]]
  await t.test(basename(args[0] ?? ''), async t => {
    const { url, sink } = await startApp(t, { env: { VALIDATION: 'strict' } })
    const { stdout } = await run(program, [...args, `${url}/v1`, KEY], { timeout: 60_000 })
    t.same(JSON.parse(stdout), answers)
    const records = sink.records.filter(({ kind }) => kind === 'event')
    const events = records.map(({ line }) => JSON.parse(line.toString()) as { type: string })
    const types = events.map(({ type }) => type)
    t.same(types, TYPES)
    t.match(
      events[1],
      { event: 'Order Completed', properties: { revenue: 49.9 } },
      'the properties of the event are kept'
    )
  })
}

t.test(
  'TypeScript clients know that an event needs an id and what each type needs, and the server understands them',
  async t => {
    const dir = t.testdir()
    await run(process.execPath, [
      join(TOOLS, 'openapi-typescript'),
      CONTRACT,
      '-o',
      join(dir, 'openapi-typescript', 'paths.ts')
    ])
    const settings = {
      input: CONTRACT,
      output: { path: join(dir, 'hey-api'), module: { extension: '.ts' } },
      logs: { level: 'silent' }
    }
    writeFileSync(
      join(dir, 'hey-api.json'),
      JSON.stringify({ ...settings, plugins: ['@hey-api/client-fetch', '@hey-api/typescript', '@hey-api/sdk'] })
    )
    await run(process.execPath, [join(TOOLS, 'openapi-ts'), '-f', join(dir, 'hey-api.json')], { cwd: dir })
    const programs = ['openapi-fetch.ts', 'hey-api.ts']
    for (const program of programs) copyFileSync(join(PROGRAMS, `${program}.txt`), join(dir, program))
    const compilerOptions = {
      extends: join(REPOSITORY, 'tsconfig.json'),
      compilerOptions: { lib: ['es2024', 'dom', 'dom.iterable'] },
      include: programs
    }
    writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify(compilerOptions))
    const { stdout } = await run(process.execPath, [join(TOOLS, 'tsc'), '-p', dir]).catch(
      (error: { stdout: string }) => error
    )
    t.equal(stdout, '', 'the compiler accepts the valid calls and refuses each invalid call')
    for (const program of programs) await holds(t, [process.execPath, join(dir, program)], ANSWERS)
  }
)

t.test('a Python client has a model of each call, and the server understands it', async t => {
  const dir = t.testdir()
  writeFileSync(
    join(dir, 'settings.yml'),
    'post_hooks: []\ncontent_type_overrides:\n  image/gif: application/octet-stream\n'
  )
  const made = join(dir, 'made')
  const options = ['--meta', 'none', '--config', join(dir, 'settings.yml'), '--output-path', made, '--fail-on-warning']
  await run(join(VENV, 'openapi-python-client'), ['generate', '--path', CONTRACT, ...options])
  copyFileSync(join(PROGRAMS, 'client.py'), join(dir, 'client.py'))
  await holds(t, [join(VENV, 'python'), join(dir, 'client.py')], ANSWERS.with(8, [400, 'event_not_string']))
})
