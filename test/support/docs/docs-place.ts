import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { LAUNCHER } from '../../cli/run.ts'
import { freePort } from '../kafka-process.ts'
import type { Kafka } from '../kafka.ts'
import { ownFolder } from '../own-folder.ts'
import { startServer, type ServerProcess } from '../server-process.ts'
import { until } from '../until.ts'

const REPOSITORY = join(import.meta.dirname, '..', '..', '..')
const EVENT_INTERVAL_MS = 300
/** Those that the pages speak of. */
const SOURCES = `sources:
  - id: web
    writeKeys: [wk_test]
  - id: backend
    writeKeys: [wk_backend]
`

/** The folder of a reader of the docs: a server with events, and everything that its commands need. */
export interface DocsPlace {
  readonly server: ServerProcess
  readonly kafka: Kafka
  /** Of commands that talk to the server. */
  readonly env: Record<string, string>
  /** For servers that a page starts, and for commands that use those: ports and a folder of their own, and Kafka. */
  readonly second: Record<string, string>
  /** Sends one event and resolves with its messageId. */
  send(event: object): Promise<string>
}

/** Starts a server in a folder of its own. Events are sent to it until the test ends. */
export async function openDocsPlace(t: Test, kafka: Kafka): Promise<DocsPlace> {
  const dir = ownFolder(t, { 'tributary.yml': SOURCES })
  const server = await startServer(t, { dir })
  const bin = join(server.dir, 'bin')
  mkdirSync(bin)
  symlinkSync(LAUNCHER, join(bin, 'tributary'))
  cpSync(join(REPOSITORY, 'test', 'fixtures', 'plans', 'segment-public-api'), server.dir, { recursive: true })
  mkdirSync(join(server.dir, 'plans'))
  // A refused request makes curl fail.
  writeFileSync(join(server.dir, '.curlrc'), 'fail-with-body\n')
  const path = [bin, dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter)
  const own = (port: string, admin: string, data: string): Record<string, string> => ({
    ...{ PATH: path, HOME: server.dir, PORT: port, ADMIN_PORT: admin, DATA_DIR: join(server.dir, data) },
    CONFIG_FILE: join(server.dir, data === 'data' ? 'tributary.yml' : `${data}.yml`)
  })
  const env = own(new URL(server.url).port, new URL(server.adminUrl).port, 'data')
  const second = own(String(await freePort()), String(await freePort()), 'second')
  writeFileSync(second['CONFIG_FILE'] as string, readFileSync(server.configFile))
  const place = { server, kafka, env, second, send: (event: object) => send(server, event) }
  await keepSending(t, place)
  return place
}

/** The current write keys of the server in the order of its file, those of `web` first. */
export function writeKeys({ configFile }: ServerProcess): string[] {
  return readFileSync(configFile, 'utf8').match(/wk_\w+/g) ?? []
}

let sent = 0

async function send(server: ServerProcess, event: object): Promise<string> {
  const messageId = `docs-${++sent}`
  const authorization = `Basic ${Buffer.from(`${writeKeys(server)[0] ?? ''}:`).toString('base64')}`
  const headers = { 'content-type': 'application/json', authorization }
  const body = JSON.stringify({ type: 'track', userId: 'user-1', messageId, ...event })
  const isTaken = async (): Promise<boolean> => {
    const answer = await fetch(`${server.url}/v1/track`, { method: 'POST', headers, body })
    await answer.arrayBuffer()
    return answer.status === 200 || answer.status === 400
  }
  await until(isTaken, { what: 'the new key to be in force, which takes 2 s' })
  return messageId
}

/** Sends events of a shop, one in three of them invalid. Sends none while the server is stopped. */
async function keepSending(t: Test, { server }: DocsPlace): Promise<void> {
  let isOver = false
  t.teardown(() => void (isOver = true))
  const order = { event: 'Order Completed', properties: { order_id: 1, price: 1.1, currency: 'EUR' } }
  const next = async (): Promise<void> => {
    await send(server, order)
    await send(server, { ...order, userId: 'user-4711' })
    await send(server, { ...order, userId: undefined })
  }
  await next()
  void (async () => {
    while (!isOver) {
      await sleep(EVENT_INTERVAL_MS)
      await next().catch(() => undefined)
    }
  })()
}

/** Runs a command that becomes a server; resolves, once it listens, with the function that ends it. */
export async function serve(t: Test, command: string, env: Record<string, string>): Promise<() => Promise<void>> {
  const child = spawn('sh', ['-c', command], {
    cwd: REPOSITORY,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (text += String(chunk)))
  const closed = once(child, 'close')
  t.teardown(() => endGroup(child, 'SIGKILL'))
  await until(() => text.includes('"msg":"listening"') || child.exitCode !== null, {
    what: `${command} to listen`,
    timeoutMs: 120_000,
    seen: () => text.slice(-2_000)
  })
  return async () => {
    endGroup(child, 'SIGTERM')
    await closed
    t.match(text, /"msg":"(stopped|nothing is left to write)/, `${command} stops normally`)
  }
}

function endGroup({ pid, exitCode }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined || exitCode !== null) return
  try {
    process.kill(-pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Runs a command that does not end, and interrupts it after its first output. Resolves with this output. */
export async function interrupted(command: string, cwd: string, env: Record<string, string>): Promise<string> {
  const child = spawn('sh', ['-c', `exec ${command}`], { cwd, env, stdio: ['ignore', 'pipe', 'ignore'] })
  const timeout = setTimeout(() => child.kill('SIGKILL'), 60_000)
  let said = ''
  child.stdout.on('data', chunk => {
    said += String(chunk)
    child.kill('SIGINT')
  })
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  clearTimeout(timeout)
  if (signal !== 'SIGINT') throw new Error(`${command} ended with ${signal ?? code} before it was interrupted: ${said}`)
  return said
}
