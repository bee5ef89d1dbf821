import t from 'tap'
import type { Test } from 'tap'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LAUNCHER, run } from './run.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The PATH of a shell outside the project, without the packages' programs that npm adds. */
const systemPath = (process.env['PATH'] ?? '')
  .split(delimiter)
  .filter(folder => !folder.includes('node_modules'))
  .join(delimiter)

/** An older Node: a script that prints its version and does nothing else. */
const OLD_NODE = '#!/bin/sh\n[ "$1" = -p ] && echo 20 || exit 99\n'

/** A project with the real launcher. Its command line prints the arguments and waits for a signal. */
function project(t: Test): { readonly dir: string; readonly oldPath: string } {
  const main = `
    const waits = process.argv[2] === 'wait'
    if (waits) process.on('SIGTERM', () => process.exit(7))
    console.log(JSON.stringify({ args: process.argv.slice(2), pid: process.pid, version: process.versions.node }))
    if (waits) setTimeout(() => {}, 60_000)
    else process.exitCode = Number(process.argv[2])`
  const dir = t.testdir({
    bin: {},
    src: { cli: { 'main.ts': main } },
    node_modules: { '.bin': {} },
    old: { node: OLD_NODE }
  })
  fs.copyFileSync(LAUNCHER, join(dir, 'bin', 'tributary'))
  fs.symlinkSync(process.execPath, join(dir, 'node_modules', '.bin', 'node'))
  fs.symlinkSync(join('..', '..', 'bin', 'tributary'), join(dir, 'node_modules', '.bin', 'tributary'))
  fs.chmodSync(join(dir, 'old', 'node'), 0o755)
  return { dir, oldPath: [join(dir, 'old'), '/usr/bin', '/bin'].join(delimiter) }
}

t.test('the command line works with every version of Node in PATH, and on Node 24', async t => {
  const system = execFileSync('node', ['--version'], { env: { PATH: systemPath }, encoding: 'utf8' }).trim()
  t.comment(`the Node of the system is ${system}`)
  for (const PATH of [systemPath, `${dirname(process.execPath)}${delimiter}${systemPath}`]) {
    const { code, stdout, stderr } = await run(LAUNCHER, ['--help'], { cwd: t.testdir({}), env: { PATH } })
    t.strictSame([code, stderr], [0, ''])
    t.match(stdout, /^Usage: tributary <command>/)
  }
})

t.test('npx finds the command in the project', async t => {
  const { code, stdout } = await run('npx', ['--no', '--offline', 'tributary', '--version'], { cwd: root })
  t.equal(code, 0)
  t.match(stdout, /^\d+\.\d+\.\d+\n$/)
})

t.test('if the Node in PATH is too old, the Node beside the packages runs the command', async t => {
  const { dir, oldPath } = project(t)
  const { code, stdout } = await run(join(dir, 'bin', 'tributary'), ['0'], { cwd: '/', env: { PATH: oldPath } })
  t.equal(code, 0)
  t.match(JSON.parse(stdout), { args: ['0'], version: process.versions.node })
})

t.test('a link in node_modules/.bin works, and arguments and exit codes are passed unchanged', async t => {
  const { dir, oldPath } = project(t)
  const link = join(dir, 'node_modules', '.bin', 'tributary')
  const args = ['5', 'two words', '', '$HOME', '--', '*']
  const { code, stdout } = await run(link, args, { cwd: '/', env: { PATH: oldPath } })
  t.equal(code, 5)
  t.strictSame((JSON.parse(stdout) as { args: string[] }).args, args)
})

t.test('a signal reaches the server itself, and its exit code is returned', async t => {
  const { dir, oldPath } = project(t)
  const child = spawn(join(dir, 'bin', 'tributary'), ['wait'], {
    env: { PATH: oldPath },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  t.teardown(() => child.kill('SIGKILL'))
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  t.equal(
    (JSON.parse(line.toString()) as { pid: number }).pid,
    child.pid,
    'there is no process between the caller and the server'
  )
  child.kill('SIGTERM')
  t.strictSame(await once(child, 'exit'), [7, null])
})

t.test('a server survives SIGHUP before its first line of TypeScript is loaded; other commands end on it', async t => {
  // Sends it just before the command line is read.
  const probe = `
    import { registerHooks } from 'node:module'
    registerHooks({
      load(url, context, next) {
        if (url.endsWith('/src/cli/main.ts')) process.kill(process.pid, 'SIGHUP')
        return next(url, context)
      }
    })`
  const dir = t.testdir({ 'probe.mjs': probe })
  const env = { NODE_OPTIONS: `--import=${join(dir, 'probe.mjs')}` }
  const options = { cwd: dir, env: { PATH: `${dirname(process.execPath)}${delimiter}${systemPath}`, ...env } }
  const server = await run(LAUNCHER, ['serve', '--help'], options)
  t.match(server, { code: 0, signal: null, stdout: /^Usage: tributary serve/ })
  t.match(await run(LAUNCHER, ['config', '--help'], options), { signal: 'SIGHUP', stdout: '' })
})

t.test('if there is no new Node at all, one line says what is needed', async t => {
  const { dir, oldPath } = project(t)
  fs.rmSync(join(dir, 'node_modules', '.bin', 'node'))
  const { code, stdout, stderr } = await run(join(dir, 'bin', 'tributary'), ['0'], {
    cwd: '/',
    env: { PATH: oldPath }
  })
  t.equal(code, 1)
  t.equal(stdout, '')
  t.match(stderr, /^tributary: Node 24 or newer is needed.*\n$/)
})
