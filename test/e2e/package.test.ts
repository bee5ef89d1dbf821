/** The npm package from `npm pack` runs without any file of the checkout. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import { freePort } from '../support/kafka-process.ts'
import { until } from '../support/until.ts'

const ROOT = join(import.meta.dirname, '..', '..')
/** With an empty cache, npm downloads the packages that the server needs. */
const INSTALL_MS = 150_000

interface PackedFile {
  readonly path: string
}

/** Packs the checkout as a user would, and returns the names of the files inside and the path of the package. */
function pack(to: string): { readonly files: readonly string[]; readonly tarball: string } {
  const printed = execFileSync('npm', ['pack', '--json', '--pack-destination', to], {
    cwd: ROOT,
    encoding: 'utf8',
    timeout: INSTALL_MS,
    stdio: ['ignore', 'pipe', 'ignore']
  })
  const { files } = (JSON.parse(printed.slice(printed.indexOf('[\n'))) as [{ files: PackedFile[] }])[0]
  const [tarball] = readdirSync(to).filter(name => name.endsWith('.tgz'))
  return { files: files.map(({ path }) => path), tarball: join(to, tarball as string) }
}

/** An empty project that has only the package. */
function install(tarball: string, home: string): string {
  mkdirSync(home)
  writeFileSync(join(home, 'package.json'), '{"private":true}')
  execFileSync('npm', ['install', '--omit=dev', '--no-audit', '--no-fund', '--prefer-offline', tarball], {
    cwd: home,
    timeout: INSTALL_MS,
    stdio: 'ignore'
  })
  return join(home, 'node_modules', '.bin', 'tributary')
}

async function serve(t: Test, program: string, home: string): Promise<{ url: string; stop(): Promise<number | null> }> {
  const [port, adminPort] = [await freePort(), await freePort()]
  const env = { PATH: process.env['PATH'] ?? '', PORT: String(port), ADMIN_PORT: String(adminPort) }
  const child = spawn(program, ['serve'], { cwd: home, env, stdio: ['ignore', 'ignore', 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  const ended = once(child, 'exit') as Promise<[number | null]>
  let log = ''
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()))
  const url = `http://127.0.0.1:${port}`
  await until(() => log.includes('"msg":"listening"'), { what: `the server to listen: ${log}`, timeoutMs: 60_000 })
  return {
    url,
    async stop() {
      child.kill('SIGTERM')
      return (await ended)[0]
    }
  }
}

t.test('A package that `npm pack` made runs in an empty folder: version, init, one stored event', async t => {
  const dir = t.testdir({ packed: {} })
  const { files, tarball } = pack(join(dir, 'packed'))
  t.notOk(
    files.find(path => path.endsWith('.ts') && !path.endsWith('.d.ts')),
    'the package contains no TypeScript, which Node refuses to run inside node_modules'
  )
  t.notOk(
    files.find(path => /^(test|bench|scripts|node_modules|data)\//.test(path)),
    'the package contains no files that only developers need'
  )

  // A URL would write these characters differently than a path.
  const home = join(dir, 'a home for ü, 100%')
  const program = install(tarball, home)
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }
  const run = (...args: string[]): string =>
    execFileSync(program, args, { cwd: home, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  t.equal(run('--version').trim(), version, '--version prints the version')
  const key = run('init').trim()
  t.match(key, /^wk_\w+$/, '`init` prints the write key')
  t.ok(existsSync(join(home, 'tributary.yml')), '`init` creates tributary.yml')

  const server = await serve(t, program, home)
  const answer = await fetch(`${server.url}/v1/track`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}` },
    body: '{"userId":"user-1","event":"Signed Up","properties":{"price":1.10}}'
  })
  t.equal(answer.status, 200, 'the event is accepted')
  const folder = join(home, 'data', 'events')
  const segments = readdirSync(folder).filter(name => name.endsWith('.ndjson'))
  const lines = segments.flatMap(name => readFileSync(join(folder, name), 'utf8').trim().split('\n'))
  t.equal(lines.length, 1, 'the event is on disk when it is answered 200')
  t.match(lines[0], /"properties":\{"price":1\.10\}/, 'the event is stored as it was sent')
  t.equal(await server.stop(), 0, 'SIGTERM ends the server with exit code 0')
})
