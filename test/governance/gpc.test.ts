import t from 'tap'
import { basic, CONFIG, post, startApp } from '../support/app.ts'

const GPC = { authorization: basic(), 'sec-gpc': '1' }
const tail = /,"(?:timestamp|messageId)":.*\n/

t.test('Each event of a request with Sec-GPC: 1 gets context.gpc, and its other bytes stay unchanged', async t => {
  const server = await startApp(t)
  const batch = (context: string): string =>
    `{"context":{"a":1.10},"batch":[{"type":"track","userId":"u","event":"e","properties":{"n":12345678901234567890}${context}}]}`
  for (const [context, left] of [
    ['', '{"gpc":true,"a":1.10}'],
    [',"context":{}', '{"gpc":true,"a":1.10}'],
    [',"context":null', '{"gpc":true,"a":1.10}'],
    [',"context":[]', '{"gpc":true,"a":1.10}'],
    [',"context":{ "b" : 1.10 }', '{"gpc":true, "b" : 1.10,"a":1.10}'],
    [',"context":{"gpc":false,"b":2}', '{"gpc":true,"b":2,"a":1.10}'],
    [',"context":{"\\u0067pc":null}', '{"\\u0067pc":true,"a":1.10}'],
    [',"context":{"consent":{"categoryPreferences":{}}}', '{"gpc":true,"consent":{"categoryPreferences":{}},"a":1.10}']
  ] as const) {
    t.equal((await post(`${server.url}/v1/batch`, batch(context), GPC)).status, 200)
    const line = server.sink.records.at(-1)?.line.toString() ?? ''
    t.match(line, '"properties":{"n":12345678901234567890}')
    const parsed = JSON.parse(line) as { context: object }
    t.strictSame(parsed.context, JSON.parse(left), context)
    t.ok(
      line.includes(`"context":${left.replace(/ *}$/, '')}`) || line.includes('"gpc":true, "b" : 1.10'),
      line.replace(tail, '')
    )
  }
  const metrics = await (await fetch(`${server.adminUrl}/metrics`)).text()
  t.match(metrics, /tributary_governed_events_total\{source="web",rule="gpc"\} 8/)
})

t.test('Any other value is not a signal, and pixels and single calls are handled too', async t => {
  const server = await startApp(t)
  const event = { userId: 'u', event: 'e' }
  for (const value of ['0', 'true', '']) {
    await post(`${server.url}/v1/track`, event, { ...GPC, 'sec-gpc': value })
    t.notMatch(server.sink.records.at(-1)?.line.toString(), /gpc/)
  }
  await post(`${server.url}/v1/track`, event, GPC)
  t.match(server.sink.records.at(-1)?.line.toString(), /"context":\{"gpc":true\}/)
  const data = Buffer.from(JSON.stringify({ ...event, writeKey: 'wk_test' })).toString('base64')
  await fetch(`${server.url}/v1/pixel/track?data=${data}`, { headers: { 'sec-gpc': '1' } })
  t.match(server.sink.records.at(-1)?.line.toString(), /"context":\{"gpc":true\}/)
})

t.test('It works together with privacy rules and with suppression', async t => {
  const config = `${CONFIG}\nprivacy: { drop: [context.a] }\nsuppress: { users: [gone] }\n`
  const server = await startApp(t, { config })
  const event = { type: 'track', event: 'e', context: { a: 1, b: 2 } }
  const batch = [{ ...event, userId: 'gone' }, { ...event, userId: 'u' }, { ...event }]
  t.equal((await post(`${server.url}/v1/batch`, { batch }, GPC)).status, 200)
  t.match(
    server.sink.records.map(({ line }) => JSON.parse(line.toString()) as object),
    [
      { userId: 'u', context: { gpc: true, b: 2, a: undefined } },
      { code: 'no_user_anon_id', event: { context: { b: 2 } } }
    ]
  )
})
