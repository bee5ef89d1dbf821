import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { post, startApp } from '../../support/app.ts'
import type { TestApp } from '../../support/app.ts'

interface Found {
  readonly events: readonly { readonly messageId: string }[]
  readonly records: readonly { readonly value: string; readonly line: number; readonly place: object }[]
  readonly omitted: number
}

async function trace({ adminUrl }: TestApp, id: string): Promise<Found> {
  const response = await fetch(`${adminUrl}/api/trace/${encodeURIComponent(id)}`)
  return (await response.json()) as Found
}

const forget = ({ adminUrl }: TestApp) => fetch(`${adminUrl}/api/events`, { method: 'DELETE' })

t.test('An event is found by its messageId however the client has spelled it, in memory and in the log', async t => {
  const server = await startApp(t, { sink: 'configured' })
  const spelled: readonly [string, string][] = [
    ['"\\ud800z"', '\\ud800z'],
    ['"\\uD800Z"', '\\ud800Z'],
    ['"\\u0061bc"', 'abc'],
    ['"caf\\u00e9"', 'café'],
    ['"thé"', 'thé'],
    ['"a\\/b"', 'a/b'],
    ['"say \\"hi\\""', 'say "hi"'],
    ['"x"', 'x'],
    ['"😀"', '😀'],
    [`"${'l'.repeat(100)}"`, 'l'.repeat(100)]
  ]
  for (const [json] of spelled) {
    const { status } = await post(`${server.url}/v1/track`, `{"userId":"u","event":"E", "messageId" : ${json}}`)
    t.equal(status, 200, json)
  }
  for (const [json, id] of spelled)
    t.equal((await trace(server, id)).events.length, 1, `the messageId ${json} is found in memory`)
  await forget(server)
  for (const [index, [json, id]] of spelled.entries()) {
    const { records } = await trace(server, id)
    t.strictSame(
      records.map(({ line }) => line),
      [index + 1],
      `the messageId ${json} is found in the log`
    )
  }
})

t.test('Text that only looks like the messageId is not found', async t => {
  const server = await startApp(t, { sink: 'configured' })
  const properties = { messageId: 'inner', text: '"messageId":"inner"' }
  await post(`${server.url}/v1/track`, { userId: 'u', event: 'inner', messageId: 'inner-2', properties })
  await post(`${server.url}/v1/track`, { userId: 'u', event: '', messageId: 'refused-1', properties: 7 })
  await forget(server)
  t.equal((await trace(server, 'inner')).records.length, 0)
  t.equal((await trace(server, 'inner-')).records.length, 0)
  t.equal((await trace(server, 'inner-2')).records.length, 1)
  t.equal((await trace(server, 'refused-1')).records.length, 1, 'a refused event is found by its messageId')
})

t.test('A record is found among lines that are long, damaged or incomplete, and the answer names its line', async t => {
  const server = await startApp(t, { sink: 'configured' })
  const dir = join(server.dir, 'data/events')
  mkdirSync(dir, { recursive: true })
  const long = `{"messageId":"long","pad":"${'x'.repeat(5 * 1024 * 1024)}"}`
  const many = Array.from({ length: 30_000 }, (_, i) => `{"messageId":"m-${i}","pad":"${'y'.repeat(80)}"}`)
  const lines = ['{"messageId":"first"}', 'no JSON "messageId":"broken"', long, ...many, '{"messageId":"last"}']
  writeFileSync(join(dir, '20261101T000000Z-90000001.ndjson'), `${lines.join('\n')}\n{"messageId":"open"`)
  for (const [id, line] of [
    ['first', 1],
    ['long', 3],
    ['m-0', 4],
    ['m-29999', 30_003],
    ['last', 30_004]
  ] as const) {
    const { records } = await trace(server, id)
    t.strictSame(
      records.map(found => found.line),
      [line],
      id
    )
  }
  for (const id of ['broken', 'open', 'm-30000']) t.equal((await trace(server, id)).records.length, 0, id)
})

t.test('An answer holds as much as fits, and says how much is left out', async t => {
  const server = await startApp(t, { sink: 'configured' })
  const pad = 'x'.repeat(30_000)
  for (let i = 0; i < 22; i++)
    await post(`${server.url}/v1/track`, { messageId: 'same', event: 7, properties: { pad } })
  const first = await fetch(`${server.adminUrl}/api/trace/same`)
  const text = await first.text()
  const { events, omitted } = JSON.parse(text) as Found
  t.ok(text.length < 0.7 * 1024 * 1024, `the answer has ${text.length} characters`)
  t.equal(events.length + omitted, 20)
  t.ok(omitted > 0)
})

t.test('A server with too many searches at once says so, and answers when they are finished', async t => {
  const server = await startApp(t, { sink: 'configured' })
  const dir = join(server.dir, 'data/events')
  writeFileSync(join(dir, '20261101T000000Z-90000001.ndjson'), '{"messageId":"filler"}\n'.repeat(1_000_000))
  const statuses = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const response = await fetch(`${server.adminUrl}/api/trace/nothing`)
      const { code } = (await response.json()) as { code?: string }
      return [response.status, code, response.headers.get('retry-after')]
    })
  )
  t.ok(
    statuses.some(([status]) => status === 200),
    'some searches are answered'
  )
  const refused = statuses.filter(([status]) => status !== 200)
  t.strictSame(refused[0], [503, 'too_many_searching', '1'])
  t.equal((await fetch(`${server.adminUrl}/api/trace/nothing`)).status, 200)
})
