import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadContract } from '../../src/contract/document.ts'
import type { Json } from '../../src/contract/document.ts'

const REPOSITORY = join(import.meta.dirname, '..', '..')
const PROGRAM = join(REPOSITORY, '.cache', 'venv', 'bin', 'schemathesis')
const HOOKS = join(import.meta.dirname, 'schemathesis-hooks.py')
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
  /** Repeats itself until this is over; default: once. */
  readonly seconds?: number
}

export interface SchemathesisResult {
  readonly passed: boolean
  /** Requests that were made. */
  readonly cases: number
  readonly output: string
}

/** Runs Schemathesis over openapi.yml with all its checks against a server. Rejects where it cannot be started. */
export async function runSchemathesis(options: SchemathesisOptions): Promise<SchemathesisResult> {
  const { url, writeKey, dir, seed, maxExamples, operations = [], seconds } = options
  mkdirSync(dir, { recursive: true })
  writeFileSync(join(dir, 'openapi.json'), JSON.stringify(contractInFull(writeKey)))
  writeFileSync(join(dir, 'schemathesis.toml'), SETTINGS)
  const args = ['run', 'openapi.json', '--url', `${url}/v1`, '--auth', `${writeKey}:`]
  args.push('--phases', 'examples,coverage,fuzzing', '--max-examples', String(maxExamples), '--seed', String(seed))
  args.push('--suppress-health-check', 'all', '--warnings', 'off', '--continue-on-failure', '--no-color')
  for (const operation of operations) args.push('--include-operation-id', operation)
  if (seconds !== undefined) args.push('--max-time', String(seconds))
  const env = { ...process.env, SCHEMATHESIS_HOOKS: HOOKS }
  const child = spawn(PROGRAM, args, { cwd: dir, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', text => (output += text))
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve))
  return { passed: code === 0, cases: Number(/(\d+) generated/.exec(output)?.[1] ?? 0), output }
}

/** The pixel answers 200 to whatever it is sent: that is its contract. */
const SETTINGS = `[checks]
enabled = true

[[operations]]
include-operation-id = "pixel"
checks.negative_data_rejection.enabled = false
`

const CALLS = { identify: 'IdentifyCall', track: 'TrackCall', page: 'PageCall', screen: 'ScreenCall' } as const
const ALL_CALLS = { ...CALLS, group: 'GroupCall', alias: 'AliasCall' } as const

/**
 * openapi.yml with the rules of its texts said as schemas too, so that what is generated as good is good: somebody who
 * did it, and in a batch the fields of each type.
 */
function contractInFull(writeKey: string): Json {
  const contract = structuredClone(loadContract(CONTRACT)) as unknown as Json & { components: Components }
  const { schemas, parameters } = contract.components
  const anyone = ['userId', 'anonymousId'].map(id => ({ required: [id], properties: { [id]: { minLength: 1 } } }))
  for (const name of [...Object.values(CALLS), 'GroupCall']) schemas[name]!['anyOf'] = anyone
  const batch = (schemas['BatchCall']!['properties'] as Record<string, Json>)['batch'] as Json
  batch['items'] = {
    oneOf: Object.entries(ALL_CALLS).map(([type, name]) => ({
      ...schemas[name],
      required: [...((schemas[name]?.['required'] as string[] | undefined) ?? []), 'type'],
      properties: { ...(schemas[name]?.['properties'] as Json), type: { const: type } }
    }))
  }
  parameters['WriteKeyInPath']!['schema'] = { enum: [writeKey] }
  return contract
}

interface Components {
  readonly schemas: Record<string, Json>
  readonly parameters: Record<string, Json>
}
