import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { freePort } from './kafka-process.ts'
import { readMetrics, sumOf } from './metrics.ts'
import { START_ARGS, START_ENV } from './start-args.ts'
import { until } from './until.ts'
import { ownFolder } from './own-folder.ts'

/** The write key of the one source, as SDKs send it. */
export const AUTHORIZATION = `Basic ${Buffer.from('wk_test:').toString('base64')}`
export const SOURCES = `sources:
  - id: web
    writeKeys: [wk_test]
`

/** Ends the server with this process, even if this process is killed. */
const TETHER = existsSync('/usr/bin/setpriv') ? ['setpriv', '--pdeathsig', 'KILL'] : []

export interface ServerProcessOptions {
  /** The folder of tributary.yml and data/; default: a folder of the test. */
  readonly dir?: string
  /** Default: `data` in the folder above. */
  readonly dataDir?: string
  readonly env?: Readonly<Record<string, string>>
  /** A command that becomes the server or stays beside it, e.g. `['prlimit', '--fsize=1000000']`. */
  readonly under?: readonly string[]
  /** The arguments of `node`: startArgsOf() of another checkout; default: this one's. */
  readonly startArgs?: readonly string[]
}

type StartChanges = Pick<ServerProcessOptions, 'env' | 'under' | 'startArgs'>

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** From the signal to the end of the process, in milliseconds. */
  readonly milliseconds: number
}

/** The real server, as `npm start` runs it, on ports that stay the same over restarts. */
export interface ServerProcess {
  readonly url: string
  readonly adminUrl: string
  readonly dir: string
  readonly dataDir: string
  readonly configFile: string
  readonly pid: number
  readonly running: boolean
  /** Its whole standard error, over all starts. */
  readonly stderr: string
  /** Starts it, with more or other variables from now on. Resolves when it listens. Rejects with its last output. */
  start(options?: StartChanges): Promise<void>
  /** Sends the signal, SIGKILL by default, and waits until the process has ended. */
  kill(signal?: NodeJS.Signals): Promise<Exit>
  /** Resolves when the process has ended. Its end is no failure from now on. */
  ended(): Promise<Exit>
  /** Resolves when /readyz answers 200. */
  ready(timeoutMs?: number): Promise<void>
  readyz(): Promise<{ readonly status: number; readonly text: string }>
  /** Resolves when the tracking API has answered 200, with the milliseconds that this took. */
  accepts(timeoutMs?: number): Promise<number>
  /** Resolves when Kafka has everything that was stored on disk. */
  drained(timeoutMs?: number): Promise<void>
  /** Bytes on disk that Kafka has not confirmed. */
  backlogBytes(): Promise<number>
  /** Resident memory now, in bytes. */
  memory(): number
  /** The longest recent delay of its event loop, in milliseconds. */
  loopDelay(): Promise<number>
}

/** Starts the server as its own process. It ends with the test, which fails if it ends by itself. */
export async function startServer(t: Test, options: ServerProcessOptions = {}): Promise<ServerProcess> {
  const server = await createServerProcess(t, options)
  await server.start()
  return server
}

/** As startServer(), without starting it. */
export async function createServerProcess(t: Test, options: ServerProcessOptions = {}): Promise<ServerProcess> {
  const dir = options.dir ?? ownFolder(t)
  const dataDir = options.dataDir ?? join(dir, 'data')
  const configFile = join(dir, 'tributary.yml')
  if (!existsSync(configFile)) writeFileSync(configFile, SOURCES)
  const [port, adminPort] = [await freePort(), await freePort()]
  const url = `http://127.0.0.1:${port}`
  const adminUrl = `http://127.0.0.1:${adminPort}`
  const own = { PORT: String(port), ADMIN_PORT: String(adminPort), DATA_DIR: dataDir, CONFIG_FILE: configFile }
  let env: Record<string, string> = { ...own, ...options.env }
  let under = options.under ?? []
  let startArgs = options.startArgs ?? START_ARGS
  let child: ChildProcess | undefined
  let exit: Promise<Exit> | undefined
  let stderr = ''
  let isExpected = true

  function isRunning(): boolean {
    return child !== undefined && child.exitCode === null && child.signalCode === null
  }

  async function start(changes: StartChanges = {}): Promise<void> {
    env = { ...env, ...changes.env }
    under = changes.under ?? under
    startArgs = changes.startArgs ?? startArgs
    // The test runner adds its hooks to NODE_OPTIONS. They are slow, and make SIGXFSZ end a process.
    const args = ['-u', 'NODE_OPTIONS', ...TETHER, ...under, process.execPath, ...startArgs]
    const inherited = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/' }
    const started = spawn('env', args, {
      env: { ...inherited, ...START_ENV, ...env },
      stdio: ['ignore', 'ignore', 'pipe']
    })
    child = started
    isExpected = true
    const from = stderr.length
    started.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    exit = once(started, 'close').then(([code, signal]: unknown[]) => {
      if (!isExpected) t.fail('the server ended by itself', { code, signal, lastWords: stderr.slice(-2_000) })
      return { code: code as Exit['code'], signal: signal as Exit['signal'], milliseconds: 0 }
    })
    const listens = (): boolean => stderr.indexOf('"msg":"listening"', from) >= 0
    await until(() => listens() || !isRunning(), { what: 'the server to listen', timeoutMs: 120_000 })
    if (!isRunning()) await exit
    if (!listens()) throw new Error(`the server ended: ${stderr.slice(from).trim().slice(-2_000)}`)
    isExpected = false
  }

  async function ended(since = performance.now()): Promise<Exit> {
    if (exit === undefined) throw new Error('the server was never started')
    isExpected = true
    return { ...(await exit), milliseconds: performance.now() - since }
  }

  async function kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<Exit> {
    const exited = ended()
    if (isRunning()) child?.kill(signal)
    return await exited
  }

  t.teardown(async () => {
    if (isRunning()) await kill()
  })

  async function readyz(): Promise<{ status: number; text: string }> {
    const answer = await fetch(`${adminUrl}/readyz`)
    return { status: answer.status, text: await answer.text() }
  }

  const backlogBytes = async (): Promise<number> => sumOf(await readMetrics(adminUrl), 'tributary_backlog_bytes')

  return {
    url,
    adminUrl,
    dir,
    dataDir,
    configFile,
    get pid() {
      return child?.pid ?? 0
    },
    get running() {
      return isRunning()
    },
    get stderr() {
      return stderr
    },
    start,
    kill,
    ended,
    readyz,
    async ready(timeoutMs = 30_000) {
      const isReady = (): Promise<boolean> => readyz().then(({ status }) => status === 200)
      await until(() => isReady().catch(() => false), { what: 'the server to be ready', timeoutMs })
    },
    async accepts(timeoutMs = 10_000) {
      const since = performance.now()
      await until(() => sendProbe(url), { what: 'the server to accept an event', timeoutMs })
      return performance.now() - since
    },
    async drained(timeoutMs = 60_000) {
      const seen = (): string => stderr.slice(-2_000)
      await until(async () => (await backlogBytes()) === 0, { what: 'Kafka to have all events', timeoutMs, seen })
    },
    backlogBytes,
    memory() {
      const [, kilobytes = '0'] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${child?.pid}/status`, 'utf8')) ?? []
      return Number(kilobytes) * 1024
    },
    async loopDelay() {
      return sumOf(await readMetrics(adminUrl), 'nodejs_eventloop_lag_max_seconds') * 1_000
    }
  }
}

/** Sends an event of a user that no load has. Resolves with whether it was accepted. */
async function sendProbe(url: string): Promise<boolean> {
  const body = JSON.stringify({ userId: 'probe', event: 'probe' })
  const headers = { 'content-type': 'application/json', authorization: AUTHORIZATION }
  const signal = AbortSignal.timeout(5_000)
  const answer = await fetch(`${url}/v1/track`, { method: 'POST', headers, body, signal }).catch(() => undefined)
  await answer?.arrayBuffer().catch(() => undefined)
  return answer?.status === 200
}
