import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const REPOSITORY = join(import.meta.dirname, '..', '..')
const PROGRAM = join(REPOSITORY, '.cache', 'venv', 'bin', 'schemathesis')
const CONTRACT = join(REPOSITORY, 'openapi.yml')

export interface SchemathesisOptions {
  /** `http://host:port` of a server with VALIDATION=strict and the write key below. */
  readonly url: string
  readonly writeKey: string
  /** A folder for its files. */
  readonly dir: string
  readonly seed: number
  /** Cases for each operation. */
  readonly maxExamples: number
  /** By operationId; default: all. */
  readonly operations?: readonly string[]
  /** Repeats until this time is over; default: once. */
  readonly seconds?: number
}

export interface SchemathesisResult {
  readonly passed: boolean
  /** Requests that were made. */
  readonly cases: number
  readonly output: string
}

/** Runs Schemathesis over openapi.yml, with all its checks, against a server. Rejects if it cannot be started. */
export async function runSchemathesis(options: SchemathesisOptions): Promise<SchemathesisResult> {
  const { url, writeKey, dir, seed, maxExamples, operations = [], seconds } = options
  mkdirSync(dir, { recursive: true })
  writeFileSync(join(dir, 'schemathesis.toml'), SETTINGS)
  const args = ['run', CONTRACT, '--url', `${url}/v1`, '--auth', `${writeKey}:`]
  args.push('--phases', 'examples,coverage,fuzzing', '--max-examples', String(maxExamples), '--seed', String(seed))
  args.push('--suppress-health-check', 'all', '--warnings', 'off', '--continue-on-failure', '--no-color')
  for (const operation of operations) args.push('--include-operation-id', operation)
  if (seconds !== undefined) args.push('--max-time', String(seconds))
  const child = spawn(PROGRAM, args, { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', text => (output += text))
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve))
  return { passed: code === 0, cases: Number(/(\d+) generated/.exec(output)?.[1] ?? 0), output }
}

/** The pixel answers 200 to every request: that is its contract. */
const SETTINGS = `[checks]
enabled = true

[[operations]]
include-operation-id = "pixel"
checks.negative_data_rejection.enabled = false
`
