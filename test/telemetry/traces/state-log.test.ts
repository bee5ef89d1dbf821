/** What the log says about a collector, however it behaves. */
import { mock } from 'node:test'
import t from 'tap'
import type { SpanExporter } from '@opentelemetry/sdk-trace'
import { watchExports } from '../../../src/telemetry/traces/watch-exports.ts'

const URL_WITH_TOKEN = 'https://collector.example/v1/traces?token=s3cret'

interface Line {
  readonly level: 'info' | 'warn'
  readonly message: string
  readonly url?: string
  readonly reason?: string
  readonly changes?: number
}

/** An exporter whose exports end as the test says, behind watchExports(). */
function watched() {
  const lines: Line[] = []
  let error: Error | undefined
  const exporter: SpanExporter = {
    export: (_spans, onResult) => onResult(error === undefined ? { code: 0 } : { code: 1, error }),
    shutdown: async () => undefined
  }
  const log = {
    info: (facts: object, message: string) => void lines.push({ level: 'info', message, ...facts }),
    warn: (facts: object, message: string) => void lines.push({ level: 'warn', message, ...facts })
  }
  const { export: send, shutdown } = watchExports(exporter, { url: URL_WITH_TOKEN, log, timeoutMs: 1_000 })
  return {
    lines,
    fails(message = 'no') {
      error = new Error(message)
      send([], () => undefined)
    },
    works() {
      error = undefined
      send([], () => undefined)
    },
    shutdown
  }
}

const CANNOT = { level: 'warn', message: 'spans cannot be exported; requests are answered as before' }
const AGAIN = { level: 'info', message: 'spans are exported again' }

t.beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }))
t.afterEach(() => mock.timers.reset())

t.test('the first failure is logged at once, and the return within the minute when the minute is over', async t => {
  const { lines, fails, works } = watched()
  works()
  t.same(lines, [], 'nothing is said of exports that work')
  fails()
  fails()
  t.match(lines, [CANNOT])
  works()
  t.equal(lines.length, 1)
  mock.timers.tick(60_000)
  t.match(lines, [CANNOT, AGAIN])
  t.notOk(lines[1]?.changes, 'it was one change')
  mock.timers.tick(60_000)
  fails()
  t.match(lines, [CANNOT, AGAIN, CANNOT], 'after a quiet minute a change is logged at once')
})

t.test('a collector that comes and goes all the time costs one line a minute, with the number of changes', async t => {
  const { lines, fails, works } = watched()
  for (let second = 0; second < 600; second++) {
    if (second % 2 === 0) fails()
    else works()
    mock.timers.tick(1_000)
  }
  t.ok(lines.length <= 11, `${lines.length} lines in ten minutes`)
  t.ok(lines.length >= 10)
  const changes = lines.reduce((sum, line) => sum + (line.changes ?? 1), 0)
  t.ok(changes > 500 && changes <= 600, `the lines count ${changes} of 600 changes`)
})

t.test('what the minute holds back is logged when the server ends', async t => {
  const { lines, fails, works, shutdown } = watched()
  fails()
  works()
  await shutdown()
  t.match(lines, [CANNOT, AGAIN])
  mock.timers.tick(120_000)
  t.equal(lines.length, 2)
})

t.test('neither the URL nor the reason shows a token in the query', async t => {
  const { lines, fails } = watched()
  fails(`request to ${URL_WITH_TOKEN} failed: GET /v1/traces?token=s3cret`)
  t.match(lines, [
    { url: 'https://collector.example/v1/traces?(hidden)', reason: /^request to https:\/\/collector.example/ }
  ])
  t.notMatch(JSON.stringify(lines), 's3cret')
})
