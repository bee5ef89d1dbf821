import { join } from 'node:path'
import t from 'tap'
import { post, startApp } from '../../support/app.ts'
import { traceOf } from '../../support/routing.ts'
import { MAIN, run } from '../run.ts'

const config = 'sources: [{ id: web, writeKeys: [wk_test] }]'

t.test(
  'Each listed event has an ID that "rejected show" takes, and "trace" after it was sent again, also without a messageId',
  async t => {
    const app = await startApp(t, { config, sink: 'configured' })
    await post(`${app.url}/v1/track`, { event: 'Named', messageId: 'm 1' })
    await post(`${app.url}/v1/track`, { event: 'Nameless' })
    await post(`${app.url}/v1/track`, '{"event":')
    const env = { CONFIG_FILE: join(app.dir, 'tributary.yml'), DATA_DIR: join(app.dir, 'data') }
    const rejected = (...args: string[]) => run(process.execPath, [MAIN, 'rejected', ...args], { cwd: app.dir, env })

    const { stdout } = await rejected('list')
    const ids = [...stdout.matchAll(/^ {4}ID (.*)$/gm)].map(([, id]) => id as string)
    t.match(ids.toSorted(), [/^body-[0-9a-f]{32}$/, /^m 1$/, /^retry-[0-9a-f]{32}$/])
    for (const id of ids) t.equal((await rejected('show', id)).code, 0, id)
    const shown = await rejected('show', 'm 1')
    t.match(shown, {
      code: 0,
      stdout: /^source {4}web$[\s\S]*^reason {4}no_user_anon_id: userId or .*$[\s\S]*"event":"Named"/m
    })
    t.notMatch(shown.stdout, /Nameless/)

    const id = ids.find(one => one.startsWith('retry-')) as string
    t.match(await rejected('show', id), { code: 0, stdout: /"event":"Nameless"/ })
    const record = await rejected('show', id, '--json')
    t.match(JSON.parse(record.stdout), { event: { event: 'Nameless' }, code: 'no_user_anon_id' })
    await rejected('retry', '--send', '--url', app.url, '--set', 'anonymousId=unknown')
    t.equal((await traceOf(app, id)).events.length, 1, 'the event that was sent again has this messageId')
    t.match(await rejected('show', 'never'), { code: 1, stderr: /no rejected record has this ID/ })
  }
)
