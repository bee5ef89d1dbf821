import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'
import { until } from '../support/until.ts'

const MODULE = join(import.meta.dirname, '../../src/app/stop-signals.ts')
const PROGRAM = `
import { onStopSignals } from ${JSON.stringify(MODULE)}
onStopSignals(signal => console.log(signal), () => process.exit(7))
setInterval(() => undefined, 1000)
console.log('ready')
`

t.test('the same request to stop may come twice; one that comes later ends the process at once', async t => {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  t.teardown(() => child.kill('SIGKILL'))
  const exited = once(child, 'exit')
  let printed = ''
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  const shows = async (text: string): Promise<void> =>
    until(() => printed === text, { what: text, timeoutMs: 30_000, seen: () => printed })
  await shows('ready\n')
  child.kill('SIGINT')
  child.kill('SIGTERM')
  await until(() => printed !== 'ready\n', { what: 'the output of the first signal', timeoutMs: 30_000 })
  t.match(printed, /^ready\nSIG(INT|TERM)\n$/, 'the server is asked once to stop')
  await until(
    () => {
      child.kill('SIGTERM')
      return child.exitCode !== null
    },
    { what: 'the process to end', timeoutMs: 30_000 }
  )
  t.equal((await exited)[0], 7)
  t.match(printed, /^ready\nSIG(INT|TERM)\n$/, 'the server was asked only once to stop')
})

t.end()
