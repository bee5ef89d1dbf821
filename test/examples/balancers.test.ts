/** The balancers of examples/ pass on what a server has to know of a client, and nothing that the client says of itself. */
import { request } from 'node:http'
import type { OutgoingHttpHeaders } from 'node:http'
import t from 'tap'
import type { Test } from 'tap'
import { basic, KEY, startApp } from '../support/app.ts'
import type { TestApp } from '../support/app.ts'
import { runHaproxy } from '../support/haproxy.ts'
import { runNginx } from '../support/nginx.ts'
import { until, untilCalm } from '../support/until.ts'

/** The client's address; the server trusts the balancer at 127.0.0.1. */
const CLIENT = '127.0.0.2'
/** With a port, which `$host` of nginx would drop. */
const HOST = 'events.example.com:8443'
const EVENT = JSON.stringify({ userId: 'u', event: 'E', context: { library: { name: 'analytics.js' } } })

/** What a client may pretend, in each header that a server reads from a trusted proxy. */
const LIES: Readonly<Record<string, OutgoingHttpHeaders>> = {
  'X-Forwarded-For': { 'x-forwarded-for': '198.51.100.9' },
  'X-Forwarded-Host': { 'x-forwarded-host': 'evil.example' },
  'X-Forwarded-Proto': { 'x-forwarded-proto': 'https' },
  Forwarded: { forwarded: 'for=198.51.100.9;host=evil.example;proto=https' },
  'none of these': {}
}

interface Asked {
  readonly headers: OutgoingHttpHeaders
  readonly body?: string
}

interface Answer {
  readonly status: number
  readonly text: string
}

/** A busy machine may overload the server for a while. */
const ask = (url: string, asked: Asked): Promise<Answer> =>
  untilCalm(
    () => askOnce(url, asked),
    ({ status }) => status === 503
  )

function askOnce(url: string, { headers, body = '' }: Asked): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const method = body === '' ? 'GET' : 'POST'
    const own = { host: HOST, authorization: basic(), 'content-type': 'application/json' }
    const sent = request(url, { method, localAddress: CLIENT, headers: { ...own, ...headers } }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

const BALANCERS = {
  haproxy: async (t: Test, servers: readonly TestApp[]) => (await runHaproxy(t, servers)).url,
  nginx: runNginx
}

for (const [name, run] of Object.entries(BALANCERS)) {
  t.test(`behind examples/${name}, a client cannot choose its address, the host or the scheme`, async t => {
    const server = await startApp(t, { env: { TRUST_PROXY: 'loopback' } })
    const url = await run(t, [server, server, server])
    const settings = `${url}/v1/projects/${KEY}/settings`
    const isUp = async (): Promise<boolean> =>
      (await ask(settings, { headers: {} }).catch(() => ({ status: 503 }))).status === 200
    await until(isUp, { what: `${name} to forward requests`, timeoutMs: 60_000 })
    for (const [lie, headers] of Object.entries(LIES)) {
      const { text } = await ask(settings, { headers })
      const { integrations } = JSON.parse(text) as { integrations: { 'Segment.io': object } }
      t.match(integrations['Segment.io'], { apiHost: `${HOST}/v1`, protocol: 'http' }, `the settings ignore ${lie}`)
      t.equal((await ask(`${url}/v1/track`, { headers, body: EVENT })).status, 200)
      const record = JSON.parse(String(server.sink.records.at(-1)?.line)) as { context: { ip?: string } }
      t.equal(record.context.ip, CLIENT, `the address ignores ${lie}`)
    }
    const long = await ask(`${settings}?long=${'x'.repeat(15_000)}`, { headers: {} })
    t.equal(long.status, 200, 'a URL of the maximum length is accepted')
  })
}
