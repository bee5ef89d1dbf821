import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { lockDataDir } from '../../../src/durability/data-dir-lock.ts'
import { post, startApp } from '../../support/app.ts'
import { MAIN, run } from '../run.ts'

const USER = 'user-raw-4711'

/** The files of a data folder that contain a text. */
function filesWith(dir: string, text: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .filter(file => readFileSync(file).includes(text))
    .map(file => file.slice(dir.length + 1))
}

/** The data folder of a stopped server that had accepted events of the user and of others. */
async function makeFolder(t: Test) {
  const server = await startApp(t, { sink: 'configured' })
  const track = (body: object) => post(`${server.url}/v1/track`, { event: 'E', ...body })
  await track({ userId: USER })
  await track({ userId: 'ann', properties: { invitedBy: USER } })
  await track({ anonymousId: USER, event: 7 })
  await post(`${server.url}/v1/alias`, { userId: 'new', previousId: USER })
  await track({ userId: 'bob' })
  await server.app.close()
  const dir = join(server.dir, 'data')
  const forget = (...args: string[]) =>
    run(process.execPath, [MAIN, 'forget', ...args], { cwd: server.dir, env: { DATA_DIR: dir } })
  return { dir, forget }
}

t.test(
  'forget removes a user from the data folder, and says where the id still occurs',
  { buffered: true },
  async t => {
    const { dir, forget } = await makeFolder(t)
    t.match(await forget('--user', USER, '--dry-run'), { code: 0, stdout: '3 records of 2 files would go\n' })
    t.equal(filesWith(dir, USER).length, 2, 'a dry run changes nothing')
    const done = await forget('--user', USER)
    t.match(done, { code: 0, stdout: '3 records of 2 files are gone\n' })
    t.match(done.stderr, /the ID still stands in events\/\S+\.ndjson, in events of others/)
    t.match(await forget('--user', USER, '--everywhere'), {
      code: 0,
      stdout: '1 record of 1 file are gone\n',
      stderr: ''
    })
    t.strictSame(filesWith(dir, USER), [], 'no file contains the user')
    t.equal(filesWith(dir, '"bob"').length, 1, 'records of other users are kept')
  }
)

t.test(
  'forget changes nothing under a running server, unless the server holds nothing of the user',
  { buffered: true },
  async t => {
    const { dir, forget } = await makeFolder(t)
    const lock = await lockDataDir(dir)
    t.teardown(() => lock.release())
    const files = filesWith(dir, USER)
    t.match(await forget('--user', USER), { code: 1, stdout: '', stderr: /3 records would go from .*: stop it first/ })
    t.strictSame(filesWith(dir, USER), files)
    t.match(await forget('--user', 'nobody'), { code: 0, stdout: '0 records of 0 files are gone\n', stderr: '' })
  }
)

t.test('forget says which options it needs', { buffered: true }, async t => {
  const { dir, forget } = await makeFolder(t)
  const files = filesWith(dir, USER)
  t.match(await forget(), { code: 2, stderr: /--user ID is missing/ })
  t.match(await forget('--user='), { code: 2, stderr: /--user ID is missing/ })
  t.match(await forget('--user', USER, '--topic', 'a b'), { code: 2, stderr: /--topic "a b"/ })
  t.match(await forget('--user', USER, '--topic', 'deletions'), { code: 1, stderr: /KAFKA_BROKERS is not set/ })
  t.strictSame(filesWith(dir, USER), files, 'the command changed nothing')
})
