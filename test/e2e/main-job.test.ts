import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import { freePort } from '../support/kafka-process.ts'
import { nodeSdk, pythonPlainSdk } from '../support/sdks/server-sdks.ts'
import { until } from '../support/until.ts'

type Json = Record<string, unknown>

interface Server {
  readonly url: string
  /** Its standard output so far. */
  readonly printed: string
  end(signal: NodeJS.Signals): Promise<number | null>
}

/** `npm start` in an empty folder: no configuration, no Kafka. */
async function start(t: Test, dir: string, ports: readonly [number, number]): Promise<Server> {
  const main = join(import.meta.dirname, '..', '..', 'src', 'start.js')
  const env = { PATH: '/usr/bin:/bin', PORT: String(ports[0]), ADMIN_PORT: String(ports[1]), SHOW_FIRST_KEY: 'always' }
  const child = spawn(process.execPath, [main], { cwd: dir, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const text = { out: '', err: '' }
  child.stdout.on('data', (chunk: Buffer) => (text.out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (text.err += chunk.toString()))
  const ended = once(child, 'exit') as Promise<[number | null]>
  t.teardown(() => child.kill('SIGKILL'))
  await until(() => text.err.includes('"msg":"listening"'), {
    what: `the server to listen: ${text.err}`,
    timeoutMs: 20_000
  })
  return {
    url: `http://127.0.0.1:${ports[0]}`,
    get printed() {
      return text.out
    },
    async end(signal) {
      child.kill(signal)
      const [code] = await ended
      return code
    }
  }
}

function logged(dir: string): Json[] {
  const folder = join(dir, 'data', 'events')
  const files = readdirSync(folder)
    .filter(name => name.endsWith('.ndjson'))
    .sort()
  return files.flatMap(name =>
    readFileSync(join(folder, name), 'utf8')
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as Json)
  )
}

t.test('the first start prints a key and a curl line that works, and its event survives kill -9', async t => {
  const dir = join(t.testdir(), 'home')
  mkdirSync(dir)
  const ports = [await freePort(), await freePort()] as const
  const first = await start(t, dir, ports)
  await until(() => first.printed.includes('curl'), { what: 'the curl line of the banner' })
  const curl = /^ {2}curl .*$/m.exec(first.printed)?.[0] ?? ''
  const answer = spawn('sh', ['-c', curl.replace('curl', 'curl -s')], { stdio: ['ignore', 'pipe', 'inherit'] })
  let body = ''
  answer.stdout.on('data', (chunk: Buffer) => (body += chunk.toString()))
  await once(answer, 'close')
  t.equal(body, '{"success":true}')
  t.match(logged(dir), [{ userId: 'user-1', event: 'Signed Up', projectId: 'default', version: 2 }])

  await first.end('SIGKILL')
  const second = await start(t, dir, ports)
  t.equal(second.printed, '', 'the key is printed only once')
  const key = /wk_[A-Za-z0-9]{32}/.exec(first.printed)?.[0] ?? ''
  const again = await fetch(`${second.url}/v1/track`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}` },
    body: '{"userId":"user-1","event":"Signed In"}'
  })
  t.equal(again.status, 200)
  t.same(
    logged(dir).map(({ event }) => event),
    ['Signed Up', 'Signed In']
  )
  t.equal(await second.end('SIGTERM'), 0, 'SIGTERM ends the server with exit code 0')
})

t.test('every call of the official Node and Python SDKs is in the event log exactly once', async t => {
  const dir = join(t.testdir(), 'home')
  mkdirSync(dir)
  const server = await start(t, dir, [await freePort(), await freePort()])
  await until(() => server.printed.includes('curl'), { what: 'the curl line of the banner' })
  const key = /wk_[A-Za-z0-9]{32}/.exec(server.printed)?.[0] ?? ''
  const has = (marker: string): boolean => logged(dir).some(event => JSON.stringify(event).includes(`"${marker}"`))
  for (const sdk of [nodeSdk, pythonPlainSdk]) {
    const before = logged(dir).length
    const delivered = (count: number): Promise<void> =>
      until(() => logged(dir).length - before >= count, { what: `${count} events of ${sdk.name} in the log` })
    await sdk.send({ url: server.url, writeKey: key, marker: sdk.source, delivered })
    const types = logged(dir)
      .slice(before)
      .map(({ type }) => type)
    t.same(new Set(types), new Set(['alias', 'group', 'identify', 'page', 'screen', 'track']), sdk.name)
    t.equal(types.length, 6)
    for (const type of types)
      t.ok(has(`${sdk.source}-${String(type)}`), `the log has the ${String(type)} event of ${sdk.name}`)
  }
  t.equal(new Set(logged(dir).map(({ messageId }) => messageId)).size, logged(dir).length)
})
