import t from 'tap'
import { startApp } from '../../support/app.ts'
import type { TestApp } from '../../support/app.ts'
import { MAIN, run } from '../../cli/run.ts'

const clock = { now: Date.now, monotonic: () => performance.now() }

/** In the form in which clients send them, which JSON.stringify cannot write. */
async function sendText(server: TestApp, body: string): Promise<void> {
  const headers = { authorization: `Basic ${Buffer.from('wk_test:').toString('base64')}` }
  const answer = await fetch(`${server.url}/v1/track`, { method: 'POST', headers, body })
  if (answer.status !== 200) throw new Error(await answer.text())
}

async function sendHardOnes(server: TestApp): Promise<void> {
  const track = (event: string, id: string, properties: string): Promise<void> =>
    sendText(server, `{"userId":"u","event":"${event}","messageId":"${id}","properties":${properties}}`)
  await track('Good', 'g1', '{"n":12345678901234567890,"price":1.10,"Plan":1}')
  await track('Huge', 'h1', '{"n":1e400}')
  await track('Huge', 'h2', '{"n":1e400,"m":18446744073709551616}')
  await track('Odd', 'o1', '{"":1,"a":{"Plan":1,"plan":2},"half":"\\ud800"}')
  await track('Odd', 'o2', '{"nul":"\\u0000","key":"wk_test","wk_test":1e400}')
}

const EXPECTED = [
  'Huge properties.n beyond_double 2 h2',
  'Huge properties.m beyond_64_bits 1 h2',
  'Odd properties. empty_key 1 o1',
  'Odd properties.a.plan keys_differ_by_case 1 o1',
  'Odd properties.half lone_surrogate 1 o1',
  'Odd properties.nul nul 1 o2'
]

interface Counted {
  readonly event: string
  readonly path: string
  readonly kind: string
  readonly count: number
  readonly messageId: string
}

const inWords = ({ event, path, kind, count, messageId }: Counted): string =>
  `${event} ${path} ${kind} ${count} ${messageId}`

t.test(
  'the debugger lists values of accepted events that readers cannot read: event, property, kind, count',
  async t => {
    const server = await startApp(t, { clock })
    await sendHardOnes(server)
    const answer = (await (await fetch(`${server.adminUrl}/api/hard-values`)).json()) as {
      readonly values: readonly (Counted & { readonly meaning: string })[]
      readonly events: number
    }
    t.equal(answer.events, 5)
    const found = answer.values.map(inWords)
    for (const line of EXPECTED) t.ok(found.includes(line), line)
    t.equal(found.length, EXPECTED.length + 1)
    t.ok(found.includes('Odd properties.[write key] beyond_double 1 o2'), 'a write key in a path is hidden')
    t.notMatch(JSON.stringify(answer), 'wk_test')
    t.match(answer.values[0]?.meaning, /a number too large for a double: Polars/)
  }
)

t.test('the detail of an event shows such values of this event, and none for an event without any', async t => {
  const server = await startApp(t, { clock })
  await sendHardOnes(server)
  const { events } = (await (await fetch(`${server.adminUrl}/api/events?detail=true&order=asc`)).json()) as {
    events: { hardValues: { path: string; kind: string; meaning: string }[] }[]
  }
  t.strictSame(events[0]?.hardValues, [])
  t.match(events[1]?.hardValues, [{ path: 'properties.n', kind: 'beyond_double', meaning: /Polars/ }])
})

t.test('doctor --log lists the same values of the log on disk, and nothing if all values are easy to read', async t => {
  const server = await startApp(t, { clock, sink: 'configured' })
  const env = {
    PORT: new URL(server.url).port,
    ADMIN_PORT: new URL(server.adminUrl).port
  }
  const doctor = async (...args: string[]): Promise<string> =>
    (await run(process.execPath, [MAIN, 'doctor', ...args], { cwd: server.dir, env })).stdout
  const easy = '{"userId":"u","event":"Good","messageId":"g0","properties":{"n":12345678901234567890,"price":1.10}}'
  await sendText(server, easy)
  t.match(await doctor('--log'), /✓ log +common readers can read the one event/)
  await sendHardOnes(server)
  const findings = JSON.parse(await doctor('--log', '--json')) as { area: string; level: string; hardValue?: Counted }[]
  const found = findings.flatMap(({ hardValue }) => (hardValue === undefined ? [] : [inWords(hardValue)]))
  for (const line of EXPECTED) t.ok(found.includes(line), line)
  t.match(
    await doctor('--log'),
    /! log +2 events "Huge", properties\.n: a number too large for a double: .* \(latest: h2\)\n +→ docs\/reading\.md/
  )
  t.notMatch(await doctor(), /Huge/, 'the log is read only if --log is given')
})
