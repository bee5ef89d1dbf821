/** The configurations of docs/proxies.md, run as they stand there in front of a server. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:http2'
import { request } from 'node:https'
import type { OutgoingHttpHeaders } from 'node:http'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { basic, KEY, startApp } from '../support/app.ts'
import type { TestApp } from '../support/app.ts'
import { freePort } from '../support/kafka-process.ts'
import { until } from '../support/until.ts'

const DOCUMENT = readFileSync(new URL('../../docs/proxies.md', import.meta.url), 'utf8')
const HOST = 'events.example.com'
/** The client's address; the server trusts the proxy at 127.0.0.1. */
const CLIENT = '127.0.0.2'
const BATCH_BYTES = 524_000
const APACHE_MODULES = '/usr/lib/apache2/modules'
const ENVOY = join(import.meta.dirname, '..', '..', '.cache', 'venv', 'bin', 'envoy')

/** The headers of a client that pretends to have another address. */
const LIES = {
  'x-forwarded-for': '198.51.100.9',
  'x-forwarded-host': 'evil.example',
  'x-forwarded-proto': 'http',
  forwarded: 'for=198.51.100.9;host=evil.example;proto=http'
}

interface Answer {
  readonly status: number
  readonly text: string
}

interface Proxied {
  readonly server: TestApp
  readonly port: number
}

/** The fenced block of a proxy, which bears its name, but for Envoy's. */
function blockOf(proxy: string): string {
  const language = proxy === 'envoy' ? 'yaml' : proxy
  const [, text] = new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(DOCUMENT) ?? []
  if (text === undefined) throw new Error(`docs/proxies.md has no block of ${language}`)
  return text
}

/** The block with this machine's files and free ports in it. */
function localised(text: string, { dir, server, port }: Proxied & { readonly dir: string }): string {
  return text
    .replaceAll('/etc/ssl/', `${dir}/`)
    .replaceAll('127.0.0.1:3000', `127.0.0.1:${new URL(server.url).port}`)
    .replaceAll(/(port|port_value:) 3001/g, `$1 ${new URL(server.adminUrl).port}`)
    .replaceAll('port_value: 3000', `port_value: ${new URL(server.url).port}`)
    .replace('address: 0.0.0.0, port_value: 443', `address: 127.0.0.1, port_value: ${port}`)
    .replace(
      /(listen |bind |\*):?443/,
      (_all, before: string) => `${before === '*' ? '*:' : `${before}127.0.0.1:`}${port}`
    )
}

const STARTS: Readonly<
  Record<string, (dir: string, text: string, port: number) => readonly string[] | Promise<readonly string[]>>
> = {
  nginx(dir, text) {
    const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(name => `${name}_temp_path ${dir}/${name};`)
    const main = `daemon off; pid ${dir}/pid; error_log ${dir}/error.log; events {} http { access_log off; ${paths.join(' ')}\n${text}\n}`
    writeFileSync(join(dir, 'nginx.conf'), main)
    return ['/usr/sbin/nginx', '-p', dir, '-c', join(dir, 'nginx.conf')]
  },
  haproxy(dir, text) {
    writeFileSync(join(dir, 'haproxy.cfg'), text)
    return ['/usr/sbin/haproxy', '-f', join(dir, 'haproxy.cfg')]
  },
  apache(dir, text, port) {
    const modules = ['mpm_event', 'authz_core', 'ssl', 'headers', 'proxy', 'proxy_http', 'http2']
    const lines = [
      `ServerRoot ${dir}`,
      `DefaultRuntimeDir ${dir}`,
      `PidFile ${dir}/pid`,
      `Mutex file:${dir} default`,
      `ErrorLog ${dir}/error.log`,
      `ServerName ${HOST}`,
      'User nobody',
      'Group nogroup',
      ...modules.map(name => `LoadModule ${name}_module ${APACHE_MODULES}/mod_${name}.so`),
      `Listen 127.0.0.1:${port}`,
      text
    ]
    writeFileSync(join(dir, 'apache.conf'), lines.join('\n'))
    return ['/usr/sbin/apache2', '-X', '-f', join(dir, 'apache.conf')]
  },
  async caddy(dir, text, port) {
    // Whatever it did by itself, it would ask nobody for a certificate.
    const global = `admin off\nhttp_port ${await freePort()}\nhttps_port ${port}\nacme_ca https://127.0.0.1:1/\nstorage file_system ${dir}`
    writeFileSync(join(dir, 'Caddyfile'), `{\n${global}\n}\n${text}`)
    return ['/usr/bin/caddy', 'run', '--adapter', 'caddyfile', '--config', join(dir, 'Caddyfile')]
  },
  envoy(dir, text) {
    writeFileSync(join(dir, 'envoy.yaml'), text)
    return [ENVOY, '-c', join(dir, 'envoy.yaml'), '--disable-hot-restart', '--concurrency', '1', '--log-level', 'warn']
  }
}

/** One for HOST: Caddy would ask an authority for one if this one were for another name. */
function writeCertificate(dir: string): void {
  const [cert, key] = [join(dir, `${HOST}.crt`), join(dir, `${HOST}.key`)]
  const names = ['-subj', `/CN=${HOST}`, '-addext', `subjectAltName=DNS:${HOST}`]
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
  const made = ['req', '-x509', ...curve, '-nodes', '-days', '2', ...names, '-keyout', key, '-out', cert]
  execFileSync('openssl', made, { stdio: 'ignore' })
  writeFileSync(join(dir, `${HOST}.pem`), readFileSync(cert, 'utf8') + readFileSync(key, 'utf8'))
}

async function start(t: Test, proxy: string): Promise<Proxied> {
  // Before the folder is made, so that it is deleted after the proxy has ended.
  let end = async (): Promise<void> => undefined
  t.teardown(() => end())
  const server = await startApp(t, { env: { TRUST_PROXY: 'loopback' } })
  const dir = join(server.dir, proxy)
  mkdirSync(dir)
  chmodSync(dir, 0o755)
  writeCertificate(dir)
  const port = await freePort()
  const text = localised(blockOf(proxy), { dir, server, port })
  const [program = '', ...args] = (await STARTS[proxy]?.(dir, text, port)) ?? []
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  child.once('error', error => t.fail(`${program} cannot be started`, { error }))
  const ended = once(child, 'exit')
  end = async () => {
    child.kill('SIGTERM')
    await ended
  }
  const proxied = { server, port }
  const isUp = async (): Promise<boolean> =>
    (await ask(proxied, 'GET', '/').catch(() => ({ status: 503 }))).status !== 503
  await until(isUp, { what: `${proxy} to forward requests`, timeoutMs: 60_000, seen: () => said })
  return proxied
}

function ask(
  { port }: Proxied,
  method: string,
  path: string,
  { headers = {}, body = '', servername }: { headers?: OutgoingHttpHeaders; body?: string; servername?: string } = {}
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = {
      method,
      port,
      path,
      host: '127.0.0.1',
      localAddress: CLIENT,
      rejectUnauthorized: false,
      ...(servername !== undefined && { servername }),
      headers: { ...LIES, host: `${HOST}:${port}`, authorization: basic(), ...headers }
    }
    const sent = request(options, response => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

/** The protocol that a client and the proxy agree on, if the client supports both. */
async function spokenBy(port: number): Promise<string> {
  const session = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false, servername: HOST })
  try {
    await new Promise((resolve, reject) => session.once('connect', resolve).once('error', reject))
    return session.alpnProtocol ?? ''
  } finally {
    session.destroy()
  }
}

for (const proxy of Object.keys(STARTS)) {
  t.test(`${proxy} as in docs/proxies.md forwards what the server needs, and no forged header`, async t => {
    const proxied = await start(t, proxy)
    const { server, port } = proxied
    const event = { userId: 'u', event: 'E', context: { library: { name: 'analytics.js' } } }
    const json = { 'content-type': 'application/json' }
    const track = await ask(proxied, 'POST', '/v1/track', { headers: json, body: JSON.stringify(event) })
    t.strictSame([track.status, track.text], [200, '{"success":true}'])
    const record = JSON.parse(String(server.sink.records[0]?.line)) as { context: { ip?: string } }
    t.equal(record.context.ip, CLIENT, 'the address is that of the client')

    const settings = await ask(proxied, 'GET', `/v1/projects/${KEY}/settings`)
    const { integrations } = JSON.parse(settings.text) as { integrations: { 'Segment.io': object } }
    t.match(integrations['Segment.io'], { apiHost: `${HOST}:${port}/v1`, protocol: 'https' })

    const long = await ask(proxied, 'GET', `/v1/projects/${KEY}/settings?long=${'x'.repeat(15_000)}`)
    t.equal(long.status, 200, 'a URL of the maximum length is accepted')
    const one = { type: 'track', userId: 'u', event: 'E', properties: { filler: 'x'.repeat(20_000) } }
    const count = Math.floor(BATCH_BYTES / (JSON.stringify(one).length + 1))
    const batch = JSON.stringify({ batch: Array.from({ length: count }, () => one) })
    t.equal(
      (await ask(proxied, 'POST', '/v1/batch', { headers: json, body: batch })).status,
      200,
      'a batch of the maximum size is accepted'
    )
    t.equal(await spokenBy(port), 'h2')
  })
}

for (const [proxy, status] of Object.entries({ caddy: 421, envoy: 404 })) {
  t.test(`${proxy} as in docs/proxies.md answers ${status} to a request for another host`, async t => {
    const proxied = await start(t, proxy)
    const headers = { host: 'other.example', 'content-type': 'application/json' }
    const body = '{"userId":"u","event":"E"}'
    t.match(await ask(proxied, 'POST', '/v1/track', { headers, body, servername: HOST }), { status })
    t.strictSame(proxied.server.sink.records, [])
  })
}
