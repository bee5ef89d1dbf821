import { spawn } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { ownFolder } from '../support/own-folder.ts'
import { until } from '../support/until.ts'

const ROOT = join(import.meta.dirname, '..', '..')

t.test('SIGTERM to npm, as of a supervisor or a CI job, stops the server in order', async t => {
  await startAndStop(t, npm => process.kill(npm, 'SIGTERM'))
})

t.test('Ctrl-C, which reaches the server from the terminal and from npm, stops it in order', async t => {
  await startAndStop(t, npm => process.kill(-npm, 'SIGINT'))
})

async function startAndStop(t: Test, stop: (npm: number) => void): Promise<void> {
  const dir = ownFolder(t, { 'tributary.yml': 'sources:\n  - { id: web, writeKeys: [wk_0123456789abcdef] }\n' })
  const env = { DATA_DIR: join(dir, 'data'), CONFIG_FILE: join(dir, 'tributary.yml'), PORT: '0', ADMIN_PORT: '0' }
  const npm = spawn('npm', ['start'], {
    cwd: ROOT,
    detached: true,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
    stdio: ['ignore', 'ignore', 'pipe']
  })
  let log = ''
  npm.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()))
  const logged = async (words: string): Promise<void> =>
    until(() => log.includes(words), { what: words, timeoutMs: 60_000, seen: () => log })
  await logged('"msg":"listening"')
  const server = Number(/"pid":(\d+)/.exec(log)?.[1])
  t.teardown(() => kill(server))
  t.teardown(() => npm.kill('SIGKILL'))

  stop(npm.pid ?? 0)
  await logged('stopped; nothing is left to write')
  await until(() => !isRunning(server), { what: 'the server to end', timeoutMs: 30_000 })
  t.pass('the server stopped, and no event was left')
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

function kill(pid: number): void {
  if (isRunning(pid)) process.kill(pid, 'SIGKILL')
}

t.end()
