import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { KEY, post, startApp } from '../../support/app.ts'
import type { TestApp } from '../../support/app.ts'
import { MAIN, run } from '../run.ts'
import type { Finished } from '../run.ts'

const event = (messageId: string, properties: object, userId: string | undefined = 'u'): object => ({
  type: 'track',
  event: 'Order',
  messageId,
  ...(userId === '' ? {} : { userId }),
  properties
})

const planOf = (required: readonly string[]): string =>
  JSON.stringify({
    name: 'Shop',
    rules: [{ type: 'track', event: 'Order', schema: { properties: { properties: { type: 'object', required } } } }]
  })

interface Planned extends TestApp {
  readonly planFile: string
  readonly retry: (...args: string[]) => Promise<Finished>
  readonly listed: () => Promise<number>
}

/** A server with a plan that blocks orders without `order_id`, and the command line beside it. */
async function start(t: Test): Promise<Planned> {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-retry-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const planFile = join(folder, 'plan.json')
  writeFileSync(planFile, planOf(['order_id']))
  const plan = `plan: { file: ${planFile}, enforce: { violations: block } }`
  const config = `sources:\n  - { id: web, writeKeys: [${KEY}] }\n${plan}\nsuppress: { users: [gone] }\n`
  const app = await startApp(t, { config, sink: 'configured' })
  const env = { CONFIG_FILE: join(app.dir, 'tributary.yml'), DATA_DIR: join(app.dir, 'data') }
  const rejected = (...args: string[]): Promise<Finished> =>
    run(process.execPath, [MAIN, 'rejected', ...args], { cwd: app.dir, env })
  return {
    ...app,
    planFile,
    retry: (...args) => rejected('retry', ...args),
    listed: async () => (await rejected('list', '--json')).stdout.split('\n').length - 1
  }
}

t.test('retry counts events that the plan blocks as left, with their ids, and does not send them', async t => {
  const { url, retry, listed } = await start(t)
  await post(`${url}/v1/batch`, { batch: [event('q-1', {}), event('q-2', { order: 7 }), event('q-3', {})] })
  const blocked = /blocked again by the tracking plan: schema_violation \(\S*order_id: .*\) \[q-1, q-2, q-3\]/
  const dry = await retry('--code', 'schema_violation')
  t.match([dry.code, dry.stderr], [0, /3 rejected events, 0 of them can be sent\n {2}3 left: /])
  t.match(dry.stderr, blocked)
  const sent = await retry('--code', 'schema_violation', '--send', '--url', url)
  t.match([sent.code, sent.stderr], [0, /3 rejected events, 0 of them sent\n {2}3 left: /])
  t.match(sent.stderr, blocked)
  t.equal(await listed(), 3, 'no event was stored a second time')

  const mended = await retry('--event', 'Order', '--set', 'properties.order_id=1', '--send', '--url', url)
  t.match([mended.code, mended.stderr], [0, /3 of them sent: 3 accepted, 0 duplicates/])
})

t.test('retry counts the events of suppressed users as left', async t => {
  const { url, retry } = await start(t)
  await post(`${url}/v1/batch`, { batch: [event('s-1', { order_id: 1 }, '')] })
  const { stderr } = await retry('--set', 'userId=gone')
  t.match(stderr, /1 rejected events, 0 of them can be sent\n {2}1 left: suppressed by a rule of the source \[s-1\]/)
})

t.test('retry --send says which events the server has accepted, and which are duplicates', async t => {
  const { url, retry } = await start(t)
  await post(`${url}/v1/batch`, { batch: [event('n-1', { order_id: 1 }, ''), event('n-2', { order_id: 2 }, '')] })
  await post(`${url}/v1/batch`, { batch: [event('n-2', { order_id: 2 })] })
  const send = ['--set', 'anonymousId=a', '--send', '--url', url]
  const first = await retry(...send)
  t.match([first.code, first.stderr], [0, /2 rejected events, 2 of them sent: 1 accepted, 1 duplicates/])
  const second = await retry(...send)
  t.match([second.code, second.stderr], [0, /2 rejected events, 2 of them sent: 0 accepted, 2 duplicates/])
})

t.test('retry --send fails if the server ends events that the files of this machine let pass', async t => {
  const { url, retry, planFile, dir, listed } = await start(t)
  await post(`${url}/v1/batch`, { batch: [event('d-1', {}), event('d-2', { order_id: 2 }, '')] })
  // As on another machine, where the plan was corrected and the server's was not.
  const other = join(dir, 'other.yml')
  writeFileSync(other, `sources:\n  - { id: web, writeKeys: [${KEY}] }\n`)
  const env = { CONFIG_FILE: other, DATA_DIR: join(dir, 'data') }
  const args = ['rejected', 'retry', '--set', 'anonymousId=a', '--send', '--url', url]
  const { code, stderr } = await run(process.execPath, [MAIN, ...args], { cwd: dir, env })
  t.match([code, stderr], [1, /2 of them sent: 1 accepted, 0 duplicates, 1 ended by a rule of the server/])
  t.match(stderr, /the server has not accepted 1 of the events/)
  t.equal(await listed(), 3)

  writeFileSync(planFile, '{ not json')
  const broken = await retry('--set', 'anonymousId=a')
  t.match([broken.code, broken.stderr], [1, /plan\.json/], 'an invalid plan is an error')
})

t.test('a batch is answered with counts if the sender asks with Prefer, and otherwise as Segment does', async t => {
  const { url } = await start(t)
  const batch = [event('p-1', { order_id: 1 }), event('p-1', { order_id: 1 }), event('p-2', {})]
  const authorization = `Basic ${btoa(`${KEY}:`)}`
  const asked = await post(`${url}/v1/batch`, { batch }, { authorization, prefer: 'return=representation' })
  t.strictSame([asked.status, asked.body], [200, { success: true, accepted: 1, duplicates: 1 }])
  t.strictSame((await post(`${url}/v1/batch`, { batch })).body, { success: true })
  const other = await post(`${url}/v1/batch`, { batch }, { authorization, prefer: 'respond-async' })
  t.strictSame(other.body, { success: true })
  const single = await post(`${url}/v1/track`, batch[0], { authorization, prefer: 'return=representation' })
  t.strictSame(single.body, { success: true })
})
