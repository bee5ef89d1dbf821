/**
 * `npm run fuzz -- [--minutes 10] [--seed N]`: half of the time Schemathesis over openapi.yml with all its checks, half
 * of it recorded SDK requests with bytes changed at random, each against a server of its own. Prints how many cases
 * were tried and every finding with what makes it happen again; exits 1 where there is one, or where a server ended.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { freePort } from '../test/support/kafka-process.ts'
import { fuzzByMutation } from '../test/support/mutation-fuzzer.ts'
import { runSchemathesis } from '../test/support/schemathesis.ts'
import { START_ARGS } from '../test/support/start-args.ts'
import { until } from '../test/support/until.ts'

const WRITE_KEYS = ['wk_test', 'wk_sample', 'wk', 'k']
const MAX_SHOWN = 20

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string' } } })
const seconds = Math.ceil((Number(values.minutes) * 60) / 2)
const seed = Number(values.seed ?? Date.now() % 1_000_000)
if (!(seconds > 0) || !Number.isSafeInteger(seed)) throw new Error('--minutes and --seed are numbers')
console.log(`seed ${seed}, ${seconds} s each`)

const findings = [...(await withServer('strict', schemathesis)), ...(await withServer('compatible', mutations))]
for (const finding of findings.slice(0, MAX_SHOWN)) console.log(`\n${finding}`)
console.log(`\n${findings.length} findings`)
if (findings.length > 0) process.exitCode = 1

interface Target {
  readonly url: string
  readonly dir: string
  readonly pid: number
}

async function schemathesis({ url, dir }: Target): Promise<string[]> {
  const [writeKey = ''] = WRITE_KEYS
  const run = { url, writeKey, dir: join(dir, 'schemathesis'), seed, maxExamples: 100, seconds }
  const { passed, cases, output } = await runSchemathesis(run)
  console.log(`Schemathesis: ${cases} cases`)
  return passed ? [] : [output.slice(-10_000)]
}

async function mutations({ url, pid }: Target): Promise<string[]> {
  const before = memory(pid)
  const found = await fuzzByMutation({ url, seed, maxCases: Infinity, seconds })
  const grown = `${Math.round((memory(pid) - before) / 1e6)} MB more`
  console.log(`changed requests: ${found.cases} cases, ${JSON.stringify(found.statuses)}, ${grown}`)
  return found.findings.map(({ what, request }) => `${what}\n  ${request}`)
}

/** Runs `attack` with a new server. Errors that the server has logged, and its end, are findings too. */
async function withServer(validation: string, attack: (target: Target) => Promise<string[]>): Promise<string[]> {
  const dir = mkdtempSync(join(tmpdir(), 'tributary-fuzz-'))
  const file = join(dir, 'tributary.yml')
  writeFileSync(file, `sources: [{ id: web, writeKeys: [${WRITE_KEYS.join(', ')}] }]\n`)
  const [port, adminPort] = [await freePort(), await freePort()]
  const own = { PORT: `${port}`, ADMIN_PORT: `${adminPort}`, CONFIG_FILE: file, DATA_DIR: join(dir, 'data') }
  const env = { PATH: process.env['PATH'] ?? '', ...own, VALIDATION: validation }
  const server: ChildProcess = spawn(process.execPath, [...START_ARGS], { env, stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  server.stderr?.setEncoding('utf8').on('data', (text: string) => (log += text))
  try {
    await until(() => log.includes('"msg":"listening"'), { what: 'the server to listen', timeoutMs: 30_000 })
    const found = await attack({ url: `http://127.0.0.1:${port}`, dir, pid: server.pid ?? 0 })
    const errors = log.split('\n').filter(line => /"level":(50|60)/.test(line))
    return [...found, ...errors, ...(server.exitCode === null ? [] : [`the server ended: ${log.slice(-2_000)}`])]
  } finally {
    server.kill('SIGKILL')
    rmSync(dir, { recursive: true, force: true, maxRetries: 3 })
  }
}

function memory(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024
}
