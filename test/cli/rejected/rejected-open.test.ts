import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { noteSentAgain, readSentAgain, SENT_AGAIN_FILE } from '../../../src/cli/rejected/sent-again.ts'
import { post, startApp } from '../../support/app.ts'
import { ownFolder } from '../../support/own-folder.ts'
import { MAIN, run } from '../run.ts'
import type { Finished } from '../run.ts'

const config = 'sources: [{ id: web, writeKeys: [wk_test] }]'

async function start(t: Test) {
  const app = await startApp(t, { config, sink: 'configured' })
  const env = { CONFIG_FILE: join(app.dir, 'tributary.yml'), DATA_DIR: join(app.dir, 'data') }
  const rejected = (...args: string[]): Promise<Finished> =>
    run(process.execPath, [MAIN, 'rejected', ...args], { cwd: app.dir, env })
  const openIds = async (): Promise<string[]> => {
    const { stdout } = await rejected('list', '--open')
    return [...stdout.matchAll(/^ {4}ID (.*)$/gm)].map(([, id]) => id as string).toSorted()
  }
  return { app, rejected, openIds }
}

t.test('list --open shows the refused events that were not sent again, and retry --open sends only those', async t => {
  const { app, rejected, openIds } = await start(t)
  const send = ['retry', '--send', '--url', app.url]
  await post(`${app.url}/v1/track`, { event: 'No user', messageId: 'm1' })
  await post(`${app.url}/v1/track`, { userId: 'u', event: 'Late', messageId: 'm2', timestamp: 'yesterday' })
  t.strictSame(await openIds(), ['m1', 'm2'], 'before')
  await rejected('retry', '--set', 'anonymousId=unknown')
  t.strictSame(await openIds(), ['m1', 'm2'], 'a dry run sends nothing')

  t.match(await rejected(...send, '--set', 'anonymousId=unknown'), { code: 0, stderr: /1 of them sent: 1 accepted/ })
  t.strictSame(await openIds(), ['m2'], 'what was left is open')
  t.match(await rejected('list', '--open'), { stdout: /^1 rejected event not sent again\n/ })
  t.match(await rejected('list'), { stdout: /^2 rejected events\n/ }, 'without it all are listed')

  t.match(await rejected(...send, '--open', '--set', 'timestamp=null'), {
    code: 0,
    stderr: /^1 rejected events, 1 of them sent/
  })
  t.strictSame(await openIds(), [])
})

t.test('A body is open until all its complete events were sent', async t => {
  const { app, rejected, openIds } = await start(t)
  const send = ['retry', '--send', '--url', app.url]
  await post(
    `${app.url}/v1/batch`,
    '{"batch":[{"type":"track","userId":"u","event":"A","messageId":"a"},{"type":"track","event":"B","messageId":"b"}]'
  )
  const [body] = await openIds()
  t.match(body, /^body-/)
  const salvage = [...send, '--salvage', '--set', 'integrations={}']
  t.match(await rejected(...salvage), { stderr: /1 of them sent: 1 accepted/ })
  t.strictSame(await openIds(), [body], 'one of its events was left')
  t.match(await rejected(...salvage, '--set', 'anonymousId=unknown'), { stderr: /2 of them sent/ })
  t.strictSame(await openIds(), [])
})

t.test(
  'The notes are bounded: a file that is full loses its older half, and without a data folder nothing is noted',
  async t => {
    const dir = ownFolder(t)
    const file = join(dir, SENT_AGAIN_FILE)
    const line = (index: number): string => String(index).padStart(32, '0')
    const MAX_LINES = Math.ceil((16 * 1024 * 1024) / 33)
    writeFileSync(file, Array.from({ length: MAX_LINES }, (_, index) => `${line(index)}\n`).join(''))
    t.equal(await noteSentAgain(dir, ['newest']), true)
    const noted = await readSentAgain(dir)
    t.ok(noted.has('newest') && noted.has(line(MAX_LINES - 1)), 'the latest stay')
    t.notOk(noted.has(line(0)), 'the oldest are forgotten')
    t.ok(statSync(file).size < 9 * 1024 * 1024)

    const elsewhere = join(dir, 'elsewhere')
    t.equal(await noteSentAgain(elsewhere, ['x']), false)
    t.equal((await readSentAgain(elsewhere)).has('x'), false)
  }
)
