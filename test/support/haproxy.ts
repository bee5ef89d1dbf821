import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { Test } from 'tap'
import { freePort } from './kafka-process.ts'
import type { ServerProcess } from './server-process.ts'
import { until } from './until.ts'

const EXAMPLE = join(import.meta.dirname, '..', '..', 'examples', 'haproxy', 'haproxy.cfg')

/** Ends the balancer with this process, even if this process is killed. */
const TETHER = existsSync('/usr/bin/setpriv') ? ['setpriv', '--pdeathsig', 'TERM'] : []

/** Starts a balancer that ends with the test. */
export function runBalancer(t: Test, program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): void {
  const line = [...TETHER, program, ...args]
  const child = spawn(line[0] ?? program, line.slice(1), {
    env: { PATH: process.env['PATH'], ...env },
    stdio: 'ignore'
  })
  if (!existsSync(program)) t.fail(`${program} is not installed (Debian: apt-get install ${basename(program)})`)
  child.once('error', error => t.fail(`${program} cannot be started`, { error }))
  t.teardown(() => child.kill('SIGTERM'))
}

export interface HaproxyOptions {
  /** Replaces `balance source`. */
  readonly balance?: string
  /** Whether servers that reach Kafka are preferred, as in the example; default true. */
  readonly prefersKafka?: boolean
}

export interface Haproxy {
  readonly url: string
  /** Resolves when the balancer's preferred check has found this many healthy servers. */
  knows(count: number): Promise<void>
}

/** Runs examples/haproxy in front of three servers. */
export async function runHaproxy(
  t: Test,
  servers: readonly Pick<ServerProcess, 'url' | 'adminUrl'>[],
  { balance = 'balance source', prefersKafka = true }: HaproxyOptions = {}
): Promise<Haproxy> {
  const [port, statsPort] = [await freePort(), await freePort()]
  const example = readFileSync(EXAMPLE, 'utf8').replaceAll('balance source', balance)
  const config = prefersKafka ? example : example.replace(/^ *use_backend tributary_kafka .*\n/m, '')
  const stats = `listen stats\n    bind 127.0.0.1:${statsPort}\n    stats enable\n    stats uri /\n`
  // A test has one testdir, which the servers use.
  const dir = mkdtempSync(join(tmpdir(), 'tributary-haproxy-'))
  t.teardown(() => rmSync(dir, { recursive: true }))
  const file = join(dir, 'haproxy.cfg')
  writeFileSync(file, `${config}\n${stats}`)
  const env: Record<string, string> = { TRIBUTARY_BIND: `127.0.0.1:${port}` }
  for (const [index, { url, adminUrl }] of servers.entries()) {
    const name = 'ABC'.charAt(index)
    env[`TRIBUTARY_${name}_PORT`] = new URL(url).port
    env[`TRIBUTARY_${name}_ADMIN`] = new URL(adminUrl).port
  }
  runBalancer(t, '/usr/sbin/haproxy', ['-f', file], env)
  const row = new RegExp(`^tributary_${prefersKafka ? 'kafka' : 'all'},[abc],.*,UP,`, 'gm')
  const healthy = async (): Promise<number> => {
    const answer = await fetch(`http://127.0.0.1:${statsPort}/;csv`).catch(() => undefined)
    return [...((await answer?.text()) ?? '').matchAll(row)].length
  }
  return {
    url: `http://127.0.0.1:${port}`,
    knows: count =>
      until(async () => (await healthy()) === count, { what: `HAProxy to know ${count} servers`, timeoutMs: 60_000 })
  }
}
