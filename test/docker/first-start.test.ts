/** The image's build starts the server once, so that its compiled code is kept: on a slow machine too, and never at the cost of the build. */
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { run } from '../cli/run.ts'
import type { Finished } from '../cli/run.ts'
import { freePort } from '../support/kafka-process.ts'
import { ownFolder } from '../support/own-folder.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const START = 'docker/entrypoint.sh'

interface Build extends Finished {
  readonly dir: string
}

/** Runs the step of the Dockerfile with another command that starts the server. */
async function build(t: Test, command: string, seconds = 120): Promise<Build> {
  const dir = ownFolder(t, {})
  const CONFIG_FILE = join(dir, 'tributary.yml')
  writeFileSync(CONFIG_FILE, 'sources: [{ id: first, writeKeys: [wk_first] }]')
  const env = {
    CONFIG_FILE,
    DATA_DIR: join(dir, 'data'),
    COMPILED: join(dir, 'compiled'),
    KAFKA_BROKERS: '127.0.0.1:9',
    LOG_LEVEL: 'error',
    PORT: String(await freePort()),
    ADMIN_PORT: String(await freePort()),
    FIRST_START_SECONDS: String(seconds),
    PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`
  }
  const finished = await run('docker/first-start.sh', ['sh', '-c', command], { cwd: ROOT, env, timeoutMs: 300_000 })
  return { ...finished, dir }
}

t.test('A server that needs more than nine seconds to start is waited for, and ends in order', async t => {
  const { code, stderr, dir } = await build(t, `sleep 9; NODE_COMPILE_CACHE=$COMPILED exec ${START}`)
  t.equal(code, 0)
  t.notMatch(stderr, /was not ready/)
  t.ok(existsSync(join(dir, 'data')), 'the server has created its data folder')
  t.not(readdirSync(join(dir, 'compiled')).length, 0, 'the compiled code is stored')
})

t.test('A server that cannot start is named, and the build goes on', async t => {
  const { code, stderr } = await build(t, `CONFIG_FILE=missing.yml exec ${START}`)
  t.equal(code, 0)
  t.match(stderr, /missing\.yml/)
  t.match(stderr, /the server was not ready/)
})

t.test('A server that never becomes ready does not hang the build', async t => {
  const { code, stderr } = await build(t, 'exec sleep 600', 2)
  t.equal(code, 0)
  t.match(stderr, /the server was not ready/)
})

t.test('The image is built with exactly this step', async t => {
  t.match(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'), `docker/first-start.sh ${START}`)
})
