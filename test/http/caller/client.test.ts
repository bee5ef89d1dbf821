/** The address of a client behind proxies, which write addresses, schemes and hosts in different ways. */
import { fastify } from 'fastify'
import t from 'tap'
import { basic, startApp } from '../../support/app.ts'
import { readEnvironment } from '../../../src/config/env/environment.ts'
import { decorateClientAddress } from '../../../src/http/caller/client.ts'

type Headers = Record<string, string | string[]>

/** The client of a request with these headers, for a listener with this TRUST_PROXY. */
async function clientOf(trust: string, headers: Headers, remoteAddress = '127.0.0.1'): Promise<Record<string, string>> {
  const app = fastify()
  decorateClientAddress(app, readEnvironment({ TRUST_PROXY: trust }).trustProxy)
  app.get('/', async ({ clientAddress, clientProtocol, clientHost }) => ({
    address: clientAddress,
    protocol: clientProtocol,
    host: clientHost
  }))
  const answer = await app.inject({ url: '/', headers: { host: 'inside:3000', ...headers }, remoteAddress })
  await app.close()
  return answer.json()
}

const PLAIN: readonly [said: string, address: string][] = [
  ['203.0.113.7', '203.0.113.7'],
  ['203.0.113.7:51008', '203.0.113.7'],
  ['"203.0.113.7:51008"', '203.0.113.7'],
  ['"203.0.113.7"', '203.0.113.7'],
  [' 203.0.113.7:51008 ', '203.0.113.7'],
  ['203.0.113.7:_hidden', '203.0.113.7'],
  ['2001:db8::7', '2001:db8::7'],
  ['[2001:db8::7]', '2001:db8::7'],
  ['[2001:db8::7]:5555', '2001:db8::7'],
  ['"[2001:db8::7]:5555"', '2001:db8::7'],
  ['::ffff:203.0.113.7', '203.0.113.7'],
  ['[::FFFF:203.0.113.7]:80', '203.0.113.7'],
  ['::ffff:cb00:7107', '203.0.113.7'],
  ['unknown', ''],
  ['_gateway', ''],
  ['client.example', ''],
  ['203.0.113.7.1:80', ''],
  ['[203.0.113.7', ''],
  ['203.0.113.256', '']
]

t.test(
  'an address is read with a port, in quotes and in brackets, from X-Forwarded-For and from Forwarded',
  async t => {
    for (const [said, address] of PLAIN) {
      t.equal(
        (await clientOf('loopback', { 'x-forwarded-for': said })).address,
        address,
        `the address is read from X-Forwarded-For: ${said}`
      )
      const quoted = said.includes('"') ? said : `"${said.trim()}"`
      t.equal(
        (await clientOf('loopback', { forwarded: `for=${quoted}` })).address,
        address,
        `the address is read from Forwarded: for=${quoted}`
      )
    }
  }
)

t.test('a trusted hop is recognised in each of these spellings, up to the first that is not trusted', async t => {
  for (const hop of ['10.0.0.2', '10.0.0.2:443', '"10.0.0.2:443"', '[::ffff:10.0.0.2]:443', '::ffff:a00:2']) {
    const lists = [`203.0.113.7:51008, ${hop}`, `198.51.100.66, 203.0.113.7:1, ${hop}`, `10.0.0.9, 203.0.113.7,${hop}`]
    for (const list of lists) {
      t.equal((await clientOf('loopback,10.0.0.0/8', { 'x-forwarded-for': list })).address, '203.0.113.7', list)
    }
  }
  const ipv6 = { 'x-forwarded-for': '203.0.113.7, [fd00::2]:443' }
  t.equal((await clientOf('127.0.0.1,fd00::/8', ipv6)).address, '203.0.113.7')
  const lines = { 'x-forwarded-for': ['198.51.100.66', '203.0.113.7:5', '10.0.0.2:1'] }
  t.equal(
    (await clientOf('loopback,10.0.0.0/8', lines)).address,
    '203.0.113.7',
    'several header lines are read as one list'
  )
})

t.test('nothing from an untrusted client is trusted, whatever it sends', async t => {
  const lies = { 'x-forwarded-for': '203.0.113.7', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'evil.example' }
  const forwarded = { forwarded: 'for=203.0.113.7;proto=https;host=evil.example' }
  const own = { address: '192.0.2.1', protocol: 'http', host: 'inside:3000' }
  for (const trust of ['false', 'loopback', '10.0.0.0/8']) {
    for (const headers of [lies, forwarded]) t.same(await clientOf(trust, headers, '192.0.2.1'), own, trust)
  }
  t.same(
    await clientOf('loopback', {}),
    { ...own, address: '127.0.0.1' },
    'without headers, the address of the proxy is used'
  )
})

t.test('scheme and host come from the farthest trusted proxy, by the same rule as the address', async t => {
  const chain = {
    'x-forwarded-for': '203.0.113.7:51008, 10.0.0.2:443',
    'x-forwarded-proto': 'https,http',
    'x-forwarded-host': 'events.example.com, inner.example'
  }
  const far = { address: '203.0.113.7', protocol: 'https', host: 'events.example.com' }
  const near = { address: '10.0.0.2', protocol: 'http', host: 'inner.example' }
  for (const [trust, wanted] of [
    ['loopback', near],
    ['1', near],
    ['2', far],
    ['loopback,10.0.0.0/8', far],
    ['true', far]
  ] as const) {
    t.same(await clientOf(trust, chain), wanted, trust)
    const elements = [
      'for="203.0.113.7:51008";proto=https;host=events.example.com',
      'For=10.0.0.2;Proto=HTTP;Host=inner.example'
    ]
    t.same(
      await clientOf(trust, { forwarded: elements.join(', ') }),
      wanted,
      `Forwarded with TRUST_PROXY=${trust} gives the expected client`
    )
  }
  const spoofed = {
    'x-forwarded-for': '198.51.100.66, 203.0.113.7',
    'x-forwarded-proto': 'https,http',
    'x-forwarded-host': 'evil.example, events.example.com'
  }
  const real = { address: '203.0.113.7', protocol: 'http', host: 'events.example.com' }
  t.same(await clientOf('loopback', spoofed), real, 'elements that the client added in front are not trusted')
})

t.test('a scheme is read in any case, an unknown scheme is ignored, and one word of two proxies counts', async t => {
  for (const [said, protocol] of [
    ['HTTPS', 'https'],
    ['Https', 'https'],
    [' https ', 'https'],
    ['HTTP', 'http'],
    ['wss', 'http'],
    ['', 'http'],
    ['ftp, HTTPS', 'https']
  ] as const) {
    t.equal((await clientOf('loopback', { 'x-forwarded-proto': said })).protocol, protocol, said)
  }
  const once = {
    'x-forwarded-for': '203.0.113.7, 10.0.0.2',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'a.example'
  }
  t.match(
    await clientOf('2', once),
    { protocol: 'https', host: 'a.example' },
    'a value that only the outer proxy set is used'
  )
})

t.test(
  'Forwarded gives the address if no X-Forwarded-For does, beside a scheme or a host of the other family',
  async t => {
    const forwarded = 'for="203.0.113.7:51008";proto=http;host=events.example.com'
    const rows: [headers: Headers, wanted: Record<string, string>][] = [
      [
        { forwarded, 'x-forwarded-proto': 'https' },
        { protocol: 'https', host: 'events.example.com' }
      ],
      [
        { forwarded, 'x-forwarded-host': 'b.example' },
        { protocol: 'http', host: 'b.example' }
      ],
      [
        { forwarded, 'x-forwarded-proto': 'HTTPS', 'x-forwarded-host': 'b.example' },
        { protocol: 'https', host: 'b.example' }
      ],
      [
        { forwarded: 'for=203.0.113.7', 'x-forwarded-proto': 'https' },
        { protocol: 'https', host: 'inside:3000' }
      ],
      [
        { forwarded, 'x-forwarded-proto': '' },
        { protocol: 'http', host: 'events.example.com' }
      ]
    ]
    for (const [headers, wanted] of rows) {
      t.same(await clientOf('loopback', headers), { address: '203.0.113.7', ...wanted }, JSON.stringify(headers))
      t.same(await clientOf('loopback', headers, '192.0.2.1'), {
        address: '192.0.2.1',
        protocol: 'http',
        host: 'inside:3000'
      })
    }
    const hops = { forwarded: 'for=203.0.113.7;proto=https, for=10.0.0.2', 'x-forwarded-proto': 'https' }
    t.equal((await clientOf('loopback,10.0.0.0/8', hops)).address, '203.0.113.7')
    t.equal(
      (await clientOf('loopback', hops)).address,
      '10.0.0.2',
      'the search ends at the first address that is not trusted'
    )
  }
)

t.test('Forwarded is read if there is no X-Forwarded-For, and malformed parts are ignored', async t => {
  const both = { 'x-forwarded-for': '203.0.113.7', forwarded: 'for=198.51.100.66;proto=https;host=evil.example' }
  for (const headers of [both, { ...both, 'x-forwarded-for': '203.0.113.7', 'x-forwarded-proto': 'http' }]) {
    t.same(await clientOf('loopback', headers), { address: '203.0.113.7', protocol: 'http', host: 'inside:3000' })
  }
  for (const [said, address] of [
    ['for=203.0.113.7:51008', '203.0.113.7'],
    ['for=[2001:db8::7]:1', '2001:db8::7'],
    ['by=10.0.0.1 ; for=203.0.113.7 ;proto=http', '203.0.113.7'],
    ['for="203.0.113.\\7"', '203.0.113.7'],
    ['host="a,b";for=203.0.113.7', '203.0.113.7'],
    ['for=", for=203.0.113.7', '203.0.113.7'],
    ['for="x, for=203.0.113.7', '203.0.113.7'],
    ['for=203.0.113.7;for=198.51.100.66', ''],
    ['for 203.0.113.7', ''],
    ['proto=https', ''],
    [';', '']
  ] as const) {
    t.equal((await clientOf('loopback', { forwarded: said })).address, address, said)
  }
})

t.test('a list of 32 KB takes hardly any time', async t => {
  for (const text of ['10.0.0.2,', '"', '\\"', 'for="', ',', '[', ';', 'a=b;']) {
    const header = text.repeat(32_000 / text.length)
    const started = performance.now()
    await clientOf('loopback,10.0.0.0/8', { 'x-forwarded-for': header })
    await clientOf('true', { forwarded: header })
    t.ok(performance.now() - started < 1_000, JSON.stringify(text))
  }
})

const FROM_A_PAGE = { userId: 'u', event: 'e', context: { library: { name: 'analytics.js' } } }

t.test('context.ip is the address without its port, for batches, single calls and pixels', async t => {
  const { url, sink } = await startApp(t, { env: { TRUST_PROXY: 'loopback,10.0.0.0/8' } })
  const headers = { authorization: basic(), 'x-forwarded-for': '203.0.113.7:51008, "10.0.0.2:443"' }
  const send = (path: string, body: unknown) =>
    fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) }).then(({ status }) =>
      t.equal(status, 200)
    )
  await send('/v1/track', FROM_A_PAGE)
  await send('/v1/batch', { batch: [{ type: 'track', ...FROM_A_PAGE }] })
  const data = Buffer.from(JSON.stringify({ writeKey: 'wk_test', ...FROM_A_PAGE })).toString('base64')
  await fetch(`${url}/v1/pixel/track?data=${encodeURIComponent(data)}`, { headers })
  t.equal(sink.records.length, 3)
  for (const { line } of sink.records) {
    t.equal((JSON.parse(line.toString()) as { context: { ip?: string } }).context.ip, '203.0.113.7')
  }
})

t.test('the limit on unknown keys counts by address, whatever the ports', async t => {
  const { url } = await startApp(t, { env: { TRUST_PROXY: 'loopback' } })
  let refused = 0
  const guess = async (port: number): Promise<void> => {
    const headers = { authorization: basic('wk_guess'), 'x-forwarded-for': `203.0.113.7:${port}` }
    const { status, body } = await fetch(`${url}/v1/track`, { method: 'POST', headers, body: '{}' })
    await body?.cancel()
    if (status === 429) refused++
  }
  for (let at = 0; at < 1_050; at += 50) await Promise.all(Array.from({ length: 50 }, (_, i) => guess(20_000 + at + i)))
  t.equal(refused, 50, 'all keys after the first 1,000 are refused')
})

t.test('the settings contain the host and the scheme that the client has used', async t => {
  const { url } = await startApp(t, { env: { TRUST_PROXY: 'loopback,10.0.0.0/8' } })
  for (const headers of [
    {
      'x-forwarded-for': '203.0.113.7:51008, 10.0.0.2',
      'x-forwarded-proto': 'HTTPS,http',
      'x-forwarded-host': 'events.example.com, inner.example'
    },
    {
      forwarded: 'for="[2001:db8::7]:1";proto=HTTPS;host=events.example.com, for=10.0.0.2;proto=http;host=inner.example'
    }
  ] as Record<string, string>[]) {
    const response = await fetch(`${url}/v1/projects/wk_test/settings`, { headers })
    const { integrations } = (await response.json()) as { integrations: Record<string, unknown> }
    t.match(integrations['Segment.io'], { apiHost: 'events.example.com/v1', protocol: 'https' })
  }
})

t.test('the admin listener follows the same rule: wrong passwords count by address, the cookie is Secure', async t => {
  const { adminUrl } = await startApp(t, { env: { TRUST_PROXY: 'loopback', ADMIN_PASSWORD: 'right horse' } })
  const logIn = (password: string, headers: Record<string, string>) =>
    fetch(`${adminUrl}/login`, { method: 'POST', redirect: 'manual', headers, body: new URLSearchParams({ password }) })
  const statuses: number[] = []
  for (let port = 1; port <= 20; port++) {
    const { status, headers } = await logIn('wrong', { 'x-forwarded-for': `203.0.113.7:${port}` })
    statuses.push(headers.has('retry-after') ? 429 : status)
  }
  t.ok(statuses.includes(429), `guesses are slowed down, whatever the port: ${statuses.join(' ')}`)
  for (const headers of [
    { 'x-forwarded-for': '198.51.100.1', 'x-forwarded-proto': 'HTTPS' },
    { 'x-forwarded-for': '198.51.100.1', 'x-forwarded-proto': 'https,http' },
    { forwarded: 'for=198.51.100.1;proto=HTTPS' }
  ] as Record<string, string>[]) {
    t.match((await logIn('right horse', headers)).headers.get('set-cookie'), /; Secure$/)
  }
})
