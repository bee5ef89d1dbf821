/** What `doctor --url` reports about the proxy in front of the server. It sends requests like those of SDKs. */
import { createServer, request } from 'node:http'
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import type { Test } from 'tap'
import { checkFromOutside } from '../../../src/cli/doctor/from-outside.ts'
import type { Finding } from '../../../src/cli/doctor/finding.ts'
import { KEY, startApp } from '../../support/app.ts'
import type { TestApp } from '../../support/app.ts'
import { MAIN, run } from '../run.ts'

type Handle = (incoming: IncomingMessage, answer: ServerResponse) => void

/** A proxy with the faults of `change`: it answers by itself, or changes what it forwards. */
async function proxyTo(
  t: Test,
  server: TestApp,
  change: (headers: OutgoingHttpHeaders, answer: ServerResponse, url: string) => boolean | void
): Promise<number> {
  const handle: Handle = (incoming, answer) => {
    const headers: OutgoingHttpHeaders = { ...incoming.headers }
    if (change(headers, answer, incoming.url ?? '') === true) return
    const { port } = new URL(server.url)
    const onward = request({ port, host: '127.0.0.1', path: incoming.url, method: incoming.method, headers })
    onward.on('response', response => {
      answer.writeHead(response.statusCode ?? 502, response.headers)
      response.pipe(answer)
    })
    incoming.pipe(onward)
  }
  const proxy = createServer({ maxHeaderSize: 64 * 1024 }, handle)
  await new Promise<void>(done => proxy.listen(0, '127.0.0.1', done))
  t.teardown(() => proxy.close())
  return (proxy.address() as AddressInfo).port
}

/** An address of this machine that is no loopback name. */
const outside = (port: number): string => `http://0.0.0.0:${port}`
const said = (findings: readonly Finding[]): string[] => findings.map(({ level, says }) => `${level}: ${says}`)

t.test('If the proxy forwards what it should, there is no problem and one event arrives', async t => {
  const server = await startApp(t)
  const port = await proxyTo(t, server, () => undefined)
  const findings = await checkFromOutside(outside(port), KEY)
  t.match(said(findings), [
    `ok: the settings tell SDKs to send to http://0.0.0.0:${port}`,
    /^ok: a URL of 15000 characters passes/,
    /^ok: an event arrives: messageId doctor-/
  ])
  t.equal(server.sink.records.length, 1)
})

t.test("If a proxy sends the server's own name as Host, doctor finds it by the address in the settings", async t => {
  const server = await startApp(t)
  const port = await proxyTo(t, server, headers => {
    headers['host'] = new URL(server.url).host
  })
  const [settings] = await checkFromOutside(outside(port), KEY)
  t.match(settings, {
    level: 'problem',
    says: /^the settings tell browsers to send to 127\.0\.0\.1:\d+: each would send to its own machine/,
    todo: new RegExp(`^Set PUBLIC_URL=http://0\\.0\\.0\\.0:${port}, or let the proxy send Host`)
  })
  const other = await proxyTo(t, server, headers => {
    headers['host'] = 'upstream.internal'
  })
  t.match((await checkFromOutside(outside(other), KEY))[0], {
    level: 'warning',
    says: /send to http:\/\/upstream\.internal, not to/
  })
})

t.test('Doctor names a lost Authorization header, and does not show the key', async t => {
  const server = await startApp(t)
  const port = await proxyTo(t, server, headers => void delete headers['authorization'])
  const findings = await checkFromOutside(outside(port), KEY)
  t.match(findings.at(-1), { level: 'problem', says: /Authorization does not arrive: .* answered 401/, todo: /Squid/ })
  t.equal(server.sink.records.length, 0)
})

t.test('A 200 of another program is a problem, with an empty body or a page', async t => {
  const server = await startApp(t)
  for (const body of ['', '<html>Welcome</html>', '{"ok":true}']) {
    const port = await proxyTo(t, server, (_headers, answer) => {
      answer.end(body)
      return true
    })
    const findings = await checkFromOutside(outside(port), KEY)
    const notOurs = said(findings).filter(line => /^problem: .* is answered 200, but not by Tributary/.test(line))
    t.equal(notOurs.length, 2, `the settings and the event have a problem each: ${body}`)
  }
})

t.test('Doctor names a proxy that cuts long URLs, and a proxy that answers errors itself', async t => {
  const server = await startApp(t)
  const port = await proxyTo(t, server, (_headers, answer, url) => {
    if (url.length < 8_000) return false
    answer.writeHead(414).end()
    return true
  })
  t.match((await checkFromOutside(outside(port), KEY))[1], {
    level: 'warning',
    says: /15000 characters is answered 414/,
    todo: /large_client_header_buffers/
  })
  const broken = await proxyTo(t, server, (_headers, answer) => {
    answer.writeHead(502).end('bad gateway')
    return true
  })
  t.match((await checkFromOutside(outside(broken), KEY)).at(-1), {
    level: 'problem',
    says: 'an event is answered 502, not by Tributary'
  })
  const gone = await checkFromOutside('http://127.0.0.1:9', KEY)
  t.equal(gone.length, 3)
  t.ok(gone.every(({ level }) => level === 'problem'))
})

t.test('The command makes these checks if --url is given, and sends nothing without it', async t => {
  const server = await startApp(t, { clock: { now: Date.now, monotonic: () => performance.now() } })
  const port = await proxyTo(t, server, () => undefined)
  const env = { PORT: new URL(server.url).port, ADMIN_PORT: new URL(server.adminUrl).port }
  const doctor = (...args: string[]) => run(process.execPath, [MAIN, 'doctor', ...args], { cwd: server.dir, env })
  t.notMatch((await doctor()).stdout, /proxy/)
  t.equal(server.sink.records.length, 0)
  const { stdout } = await doctor('--url', outside(port))
  t.match(stdout, /✓ proxy +the settings tell SDKs to send to http:\/\/0\.0\.0\.0/)
  t.match(stdout, /✓ proxy +an event arrives/)
  t.equal(server.sink.records.length, 1)
})
