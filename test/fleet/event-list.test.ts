/** Lists of the events of all servers, page by page, and one event of another server. */
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { postUntilTaken } from '../support/app.ts'
import { Heartbeats, startView } from '../support/fleet-view.ts'
import { ownFolder } from '../support/own-folder.ts'
import { startServer } from '../support/server-process.ts'
import { until, untilCalm } from '../support/until.ts'

interface Listed {
  readonly events: readonly { readonly server: string; readonly seq: number; readonly messageId: string }[]
  readonly next: Readonly<Record<string, number>> | null
  readonly servers: readonly { readonly server: string; readonly problem: string | null }[]
}

const root = ownFolder(t, { a: {}, b: {} })
const servers = { a: await startServer(t, { dir: join(root, 'a') }), b: await startServer(t, { dir: join(root, 'b') }) }
const heartbeats = new Heartbeats(t)
for (const [name, { adminUrl }] of Object.entries(servers)) await heartbeats.join({ name, instance: name, adminUrl })
const { url: view } = await startView(t, heartbeats)

/** The answer of the view. A busy machine may overload it for a while; that answer has no code. */
async function get(path: string): Promise<{ status: number; headers: Headers; text: string }> {
  const ask = async () => {
    const answer = await fetch(`${view}${path}`)
    return { status: answer.status, headers: answer.headers, text: await answer.text() }
  }
  return await untilCalm(ask, ({ status, text }) => status === 503 && !text.includes('"code"'))
}

/** On a busy machine a or b may need more than the second that a member has. */
const list = async (query: object): Promise<Listed> =>
  untilCalm(
    async () =>
      JSON.parse(
        (await get(`/api/events?${new URLSearchParams({ scope: 'fleet', event: 'Listed', ...query }).toString()}`)).text
      ) as Listed,
    ({ servers }) => servers.some(({ server, problem }) => server !== 'c' && problem === 'no answer within 1 s')
  )
const ids = ({ events }: Listed): string[] => events.map(({ server, messageId }) => `${server} ${messageId}`)

/** Seven events, in turns but for the last three, which are b's. */
const TAKEN = ['a', 'b', 'a', 'b', 'b', 'b', 'b'] as const
const EXPECTED = TAKEN.map((name, at) => `${name} event-${at}`).toReversed()

await t.test('the events of all servers are in one list', async t => {
  for (const [at, name] of TAKEN.entries()) {
    const event = { userId: 'u', event: 'Listed', messageId: `event-${at}` }
    t.equal((await postUntilTaken(`${servers[name].url}/v1/track`, event)).status, 200)
    const isListed = async (): Promise<boolean> => ids(await list({})).includes(`${name} event-${at}`)
    await until(isListed, { what: `event ${at} in the list`, timeoutMs: 60_000 })
  }
  t.strictSame(ids(await list({})), EXPECTED, 'the newest event comes first, and each event names its server')
})

await t.test(
  'a list of all servers is continued page by page, each event once, by a number for each server',
  async t => {
    for (const limit of ['1', '2', '3', '7', '100']) {
      const found: string[] = []
      let page = await list({ limit })
      for (let pages = 0; pages < 20; pages++) {
        found.push(...ids(page))
        t.ok(page.events.length <= Number(limit), 'the answer has no more events than requested')
        if (page.next === null) break
        page = await list({ limit, before: JSON.stringify(page.next) })
      }
      t.equal(page.next, null, 'the last page has no cursor')
      t.strictSame(found, EXPECTED, `pages of ${limit} events hold each event once`)
    }
  }
)

await t.test('server= asks one server alone, also for a range of its numbers', async t => {
  const all = await list({})
  const own = all.events.filter(({ server }) => server === 'b')
  t.strictSame((await list({ server: 'b' })).events, own)
  t.strictSame(
    (await list({ server: 'b' })).servers.map(({ server }) => server),
    ['b']
  )
  const [newest, , , oldest] = own
  const range = { server: 'b', after: String(oldest?.seq), before: String(newest?.seq) }
  t.strictSame((await list(range)).events, own.slice(1, 3))
  t.strictSame((await list({ server: 'nobody' })).events, [])
})

await t.test('what the list of all servers cannot do is refused, and the refusal names the parameter', async t => {
  for (const [parameter, name] of Object.entries({ 'order=asc': 'order=asc', 'wait=5s': 'wait', 'count=2': 'count' })) {
    for (const more of ['', '&server=b']) {
      const { status, text } = await get(`/api/events?scope=fleet&${parameter}${more}`)
      t.equal(status, 400, parameter)
      t.strictSame(JSON.parse(text), {
        success: false,
        code: 'bad_request',
        message: `${name} is only for one server: leave out scope=fleet, or follow /api/stream?scope=fleet`
      })
    }
  }
  t.strictSame(ids(await list({ order: 'desc', wait: '', count: '' })), EXPECTED, 'the default may be named')
})

await t.test('one event comes from the server that has it, byte for byte', async t => {
  const [row] = (await list({ server: 'b' })).events
  const path = `/api/events/${row?.seq}`
  const answer = await get(`${path}?scope=fleet&server=b`)
  t.equal(answer.status, 200)
  t.equal(answer.text, await (await fetch(`${servers.b.adminUrl}${path}`)).text())
  t.equal((await get(path)).text, '{"of":"this server alone"}')
  t.equal((await get(`${path}?scope=fleet`)).text, '{"of":"this server alone"}')
  t.equal((await get('/api/events/999999?scope=fleet&server=b')).status, 404, 'an event that is not in memory is a 404')
  const unknown = await get(`${path}?scope=fleet&server=nobody`)
  t.equal(unknown.status, 404)
  t.match(JSON.parse(unknown.text), {
    code: 'not_found',
    message: 'no server of the fleet that is live is called nobody'
  })
})

await t.test(
  'a server that does not answer is named with the reason, in lists, for an event, and after it went away',
  async t => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    t.teardown(() => silent.closeAllConnections())
    t.teardown(() => silent.close())
    const adminUrl = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
    const process = { name: 'c', instance: 'c', adminUrl }
    await heartbeats.join(process)
    const problemOfC = (found: Listed): string | null | undefined =>
      found.servers.find(({ server }) => server === 'c')?.problem
    let found = await list({})
    const isNamed = async (): Promise<boolean> => problemOfC((found = await list({}))) === 'no answer within 1 s'
    await until(isNamed, { what: 'the answer to name c', timeoutMs: 60_000 })
    t.strictSame(ids(found), EXPECTED, 'the events of the other servers are shown')
    const answer = await get('/api/events/1?scope=fleet&server=c')
    t.equal(answer.status, 503)
    t.equal(answer.headers.get('retry-after'), '1')
    t.match(JSON.parse(answer.text), { code: 'server_away', message: 'c: no answer within 1 s' })

    heartbeats.fallSilent(process)
    const isAway = async (): Promise<boolean> => /^away since \d+ s$/.test(problemOfC((found = await list({}))) ?? '')
    await until(isAway, { what: 'the answer to say that c is away', timeoutMs: 60_000 })
    t.strictSame(ids(found), EXPECTED)
  }
)
