/** A short run of the fuzzers with a fixed seed. `npm run fuzz` runs them for any time. */
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import { startApp } from '../support/app.ts'
import { exchange } from '../support/exchange.ts'
import { fuzzByMutation } from '../support/mutation-fuzzer.ts'
import { runSchemathesis } from '../support/schemathesis.ts'
import { startServer } from '../support/server-process.ts'
import { AUTHORIZATION, chunk } from './cases/case.ts'
import { ownFolder } from '../support/own-folder.ts'

const SOURCES = `sources:
  - id: samples
    writeKeys: [wk_sample, wk_test, wk, k]
`

t.test('recorded requests with random changes of bytes never cause a 5xx, a hang, an exit or growth', async t => {
  const server = await startServer(t, { dir: ownFolder(t, { 'tributary.yml': SOURCES }) })
  const fuzz = (seed: number, maxCases: number) => fuzzByMutation({ url: server.url, seed, maxCases, seconds: 10 })
  await fuzz(1, 300)
  const before = server.memory()
  const { cases, statuses, findings } = await fuzz(2, 3_000)
  t.comment(`${cases} cases: ${JSON.stringify(statuses)}`)
  t.same(findings.slice(0, 5), [], `the fuzzer found ${findings.length} problems`)
  t.ok(cases > 300 && (statuses['200'] ?? 0) > 0 && (statuses['400'] ?? 0) > 0, 'the fuzzer got answers 200 and 400')
  t.ok(server.running)
  t.notMatch(server.stderr, /"level":(50|60)/, 'the server logged no error')
  const grown = (server.memory() - before) / 1e6
  t.ok(grown < 100, `the memory grew by ${grown.toFixed(0)} MB`)
})

t.test('Schemathesis finds nothing in openapi.yml that the server violates', async t => {
  const dir = ownFolder(t, { 'tributary.yml': SOURCES })
  const server = await startServer(t, { dir, env: { VALIDATION: 'strict' } })
  const operations = ['identify', 'track', 'alias', 'batch', 'settings', 'pixel']
  const run = { url: server.url, writeKey: 'wk_test', dir: `${dir}/schemathesis`, seed: 1, maxExamples: 5, operations }
  const { passed, cases, output } = await runSchemathesis(run)
  t.ok(passed, `${cases} cases pass`, { output: output.slice(-4_000) })
  t.ok(cases > 500, `Schemathesis sent ${cases} cases`)
  t.notMatch(server.stderr, /"level":(50|60)/, 'the server logged no error')
})

const EVENT = '{"type":"track","userId":"u","event":"é\u{1f600}"}'
const BODIES: readonly string[] = [
  EVENT,
  `{"batch":[${EVENT},${EVENT}]}`,
  `{"batch":[${EVENT},{"type":"track","userId":5},${EVENT}]}`,
  `{"batch":[${EVENT},`,
  `\ufeff{\r\n"batch" : [ ${EVENT} ]\n}`,
  `{"batch":[${EVENT}],"pad":"${'x'.repeat(1_500)}"}`,
  `{"batch":[${EVENT}],"pad":"${'x'.repeat(3_000)}"}`,
  ''
]

/** How the bytes of a body are generated, so that some bodies are valid, some broken and some too large. */
const DAMAGE: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  none: bytes => bytes,
  cut: bytes => bytes.subarray(0, -3),
  flipped: bytes => bytes.map((byte, i) => (i === bytes.length >> 1 ? byte ^ 0xff : byte)) as Buffer,
  trailing: bytes => Buffer.concat([bytes, Buffer.from('xx')])
}

t.test('a body gives the same answer and the same records however it is cut into chunks', async t => {
  const { url, sink } = await startApp(t, { env: { MAX_EVENT_BYTES: '1000', MAX_BATCH_BYTES: '2000' } })

  async function send(body: Buffer, encoding: string, cuts: readonly number[]): Promise<string> {
    const places = [...new Set(cuts.map(cut => cut % (body.length + 1)))].toSorted((a, b) => a - b)
    const pieces = [0, ...places].map((at, i) => body.subarray(at, places[i] ?? body.length))
    const chunks = pieces.filter(piece => piece.length > 0).map(chunk)
    const head = `POST /v1/batch HTTP/1.1\r\nhost: x\r\n${AUTHORIZATION}content-encoding: ${encoding}\r\ntransfer-encoding: chunked\r\n\r\n`
    const before = sink.records.length
    const steps = [Buffer.concat([Buffer.from(head), ...chunks, Buffer.from('0\r\n\r\n')])]
    const { answers } = await exchange({ url, steps, timeoutMs: 5_000 })
    // A refused event that is sent again is not stored twice.
    const events = sink.records.slice(before).filter(({ kind }) => kind === 'event')
    const lines = events.map(({ line }) => line.toString().replace(/"messageId":"[^"]*"/, ''))
    return JSON.stringify([answers[0]?.status, answers[0]?.body.toString(), lines])
  }

  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...BODIES),
      fc.constantFrom('identity', 'gzip'),
      fc.constantFrom(...Object.keys(DAMAGE)),
      fc.array(fc.nat(), { maxLength: 40 }),
      async (text, encoding, damage, cuts) => {
        const whole = encoding === 'gzip' ? gzipSync(text) : Buffer.from(text)
        const body = DAMAGE[damage]!(whole)
        return (await send(body, encoding, cuts)) === (await send(body, encoding, []))
      }
    ),
    { numRuns: 400, seed: 1 }
  )
  t.pass('400 bodies were compared')
})
