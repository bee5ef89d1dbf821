import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './kafka-process.ts'
import { START_ARGS, START_ENV } from './start-args.ts'
import { until } from './until.ts'

/** A server for a script, which has no test that ends it. */
export interface ScriptServer {
  readonly url: string
  readonly adminUrl: string
  /** Its folder, which is deleted after it. */
  readonly dir: string
  readonly pid: number
  /** What it has written to standard error. */
  log(): string
  /** False once it has ended by itself. */
  isRunning(): boolean
}

/**
 * Starts the server with the variables given and none of this process's, and ends it after `work`, also when that fails.
 *
 * @param config the text of tributary.yml
 */
export async function withServer<T>(
  { config, env = {} }: { readonly config: string; readonly env?: Readonly<Record<string, string>> },
  work: (server: ScriptServer) => Promise<T>
): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), 'tributary-script-'))
  const file = join(dir, 'tributary.yml')
  writeFileSync(file, config)
  const [port, adminPort] = [await freePort(), await freePort()]
  const own = { PORT: `${port}`, ADMIN_PORT: `${adminPort}`, CONFIG_FILE: file, DATA_DIR: join(dir, 'data') }
  const all = { PATH: process.env['PATH'] ?? '', ...START_ENV, ...own, ...env }
  const child = spawn(process.execPath, [...START_ARGS], { env: all, stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text))
  try {
    const listens = (): boolean => log.includes('"msg":"listening"')
    await until(listens, { what: 'the server to listen', timeoutMs: 30_000, seen: () => log.slice(-2_000) })
    return await work({
      url: `http://127.0.0.1:${port}`,
      adminUrl: `http://127.0.0.1:${adminPort}`,
      dir,
      pid: child.pid ?? 0,
      log: () => log,
      isRunning: () => child.exitCode === null && child.signalCode === null
    })
  } finally {
    child.kill('SIGKILL')
    rmSync(dir, { recursive: true, force: true, maxRetries: 3 })
  }
}
