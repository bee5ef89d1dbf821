/**
 * `npm run fuzz -- [--minutes 10] [--seed N]`: half of the time runs Schemathesis over openapi.yml with all its checks,
 * and half of it sends recorded SDK requests with random changes of bytes. Each half has its own server. Prints the
 * number of cases, and every finding with the command that repeats it. Exits 1 if there is a finding or if a server
 * ended.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { fuzzByMutation } from '../test/support/mutation-fuzzer.ts'
import { runSchemathesis } from '../test/support/schemathesis.ts'
import { withServer, type ScriptServer } from '../test/support/script-server.ts'

const WRITE_KEYS = ['wk_test', 'wk_sample', 'wk', 'k']
const MAX_SHOWN = 20

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string' } } })
const seconds = Math.ceil((Number(values.minutes) * 60) / 2)
const seed = Number(values.seed ?? Date.now() % 1_000_000)
if (!(seconds > 0) || !Number.isSafeInteger(seed)) throw new Error('--minutes and --seed are numbers')
console.log(`seed ${seed}, ${seconds} s each`)

const findings = [...(await attackServer('strict', schemathesis)), ...(await attackServer('compatible', mutations))]
for (const finding of findings.slice(0, MAX_SHOWN)) console.log(`\n${finding}`)
console.log(`\n${findings.length} findings`)
if (findings.length > 0) process.exitCode = 1

async function schemathesis({ url, dir }: ScriptServer): Promise<string[]> {
  const [writeKey = ''] = WRITE_KEYS
  const run = { url, writeKey, dir: join(dir, 'schemathesis'), seed, maxExamples: 100, seconds }
  const { passed, cases, output } = await runSchemathesis(run)
  console.log(`Schemathesis: ${cases} cases`)
  return passed ? [] : [output.slice(-10_000)]
}

async function mutations({ url, pid }: ScriptServer): Promise<string[]> {
  const before = memory(pid)
  const found = await fuzzByMutation({ url, seed, maxCases: Infinity, seconds })
  const grown = `${Math.round((memory(pid) - before) / 1e6)} MB more`
  console.log(`changed requests: ${found.cases} cases, ${JSON.stringify(found.statuses)}, ${grown}`)
  return found.findings.map(({ what, request }) => `${what}\n  ${request}`)
}

/** Runs `attack` with a new server. Errors that the server logged, and its end, are findings too. */
async function attackServer(
  validation: string,
  attack: (server: ScriptServer) => Promise<string[]>
): Promise<string[]> {
  const config = `sources: [{ id: web, writeKeys: [${WRITE_KEYS.join(', ')}] }]\n`
  return await withServer({ config, env: { VALIDATION: validation } }, async server => {
    const found = await attack(server)
    const errors = server
      .log()
      .split('\n')
      .filter(line => /"level":(50|60)/.test(line))
    return [...found, ...errors, ...(server.isRunning() ? [] : [`the server ended: ${server.log().slice(-2_000)}`])]
  })
}

function memory(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024
}
