/**
 * `npm run check`: runs every check that needs no running server, two at a time. Prints the output of failed checks at
 * the end. Exits 1 if any of them fails.
 */
import { execFile } from 'node:child_process'

const CHECKS = [
  'check:types',
  'lint',
  'check:format',
  'check:imports',
  'check:unused',
  'check:generated',
  'check:lockfile',
  'check:licences',
  'check:version',
  'check:style'
]
const AT_ONCE = 2
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024

interface Result {
  readonly name: string
  readonly ok: boolean
  readonly output: string
}

function run(name: string): Promise<Result> {
  const start = performance.now()
  return new Promise(resolve => {
    execFile('npm', ['run', '--silent', name], { maxBuffer: MAX_OUTPUT_BYTES }, (error, stdout, stderr) => {
      const seconds = ((performance.now() - start) / 1000).toFixed(1)
      console.log(`${error === null ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`)
      resolve({ name, ok: error === null, output: stdout + stderr })
    })
  })
}

async function worker(queue: string[], results: Result[]): Promise<void> {
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) results.push(await run(name))
}

const queue = [...CHECKS]
const results: Result[] = []
await Promise.all(Array.from({ length: AT_ONCE }, () => worker(queue, results)))

const sizes = results.find(({ name, ok }) => name === 'check:style' && ok)
if (sizes !== undefined) console.log(`\n${sizes.output.trimEnd()}`)

const failed = results.filter(result => !result.ok)
for (const { name, output } of failed) console.log(`\n--- ${name}\n${output.trim()}`)
if (failed.length > 0) process.exitCode = 1
