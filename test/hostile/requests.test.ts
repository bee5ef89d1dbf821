/**
 * All kinds of hostile requests that a stranger may send to an open port, against the real server, over raw sockets.
 * Each answer is that of the contract, no 5xx is unintended, nothing hangs, and other clients are not affected.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { answerFaults } from '../support/contract-answers.ts'
import type { Exchange, RawAnswer } from '../support/exchange.ts'
import { exchange } from '../support/exchange.ts'
import type { Lap } from '../support/honest.ts'
import { startHonestClient } from '../support/honest.ts'
import { startServer } from '../support/server-process.ts'
import { authCases } from './cases/auth.ts'
import { brokenCases } from './cases/broken.ts'
import type { HostileCase } from './cases/case.ts'
import { encodingCases } from './cases/encodings.ts'
import { eventCases } from './cases/events.ts'
import { framingCases } from './cases/framing.ts'
import { jsonCases } from './cases/json.ts'
import { pathCases } from './cases/paths.ts'
import { ownFolder } from '../support/own-folder.ts'

const ALL: Readonly<Record<string, readonly HostileCase[]>> = {
  credentials: authCases,
  framing: framingCases,
  encodings: encodingCases,
  JSON: jsonCases,
  events: eventCases,
  'paths and methods': pathCases,
  'slow and broken connections': brokenCases
}
const CASES = Object.values(ALL).flat()
const SOURCES = `sources:
  - id: web
    writeKeys: [wk_test]
  - id: off
    enabled: false
    writeKeys: [wk_off]
`

const HANG_MS = 30_000
const AT_ONCE = 4
/** The pause between two requests of each client, so that the test measures the server's work and not the client's. */
const PAUSE_MS = 50
const WARM_UP_MS = 1_500
/** What other work on the same machine may cost. On a quiet machine a tenth of it is used. */
const BUSY_P99_MS = 100
const MAX_GROWTH_BYTES = 100e6

/** The problems of a case; empty if there are none. */
function faults(test: HostileCase, { answers, end, milliseconds }: Exchange): string[] {
  const { gives, code, method = 'POST', path = '/v1/track' } = test
  if (milliseconds >= HANG_MS) return [`hangs: ${answers.length} answers in ${Math.round(milliseconds)} ms`]
  if (gives === 'gone') return []
  if (gives === 'closed') return end === 'open' ? ['the connection was left open'] : []
  if (answers.length !== gives.length) return [`${answers.length} answers, then ${end}`]
  const wrong = answers.filter((answer, i) => ![gives[i]].flat().includes(answer.status))
  if (wrong.length > 0) return [`answers ${answers.map(describe).join(', ')}`]
  const last = answers.at(-1) as RawAnswer
  const body = method === 'HEAD' || last.body.length === 0 ? {} : (parse(last.body) as { code?: string })
  return [
    ...answers.flatMap(({ status, headers, body }) => answerFaults({ method, path, status, headers, body })),
    ...(code === undefined || body.code === code ? [] : [`the code is ${body.code}`]),
    ...(last.headers['connection'] === 'close' && end === 'open' ? ['says close, and stays open'] : [])
  ]
}

function describe({ status, body }: RawAnswer): string {
  return `${status} ${body.toString().slice(0, 120)}`
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    return {}
  }
}

function run(url: string, test: HostileCase): Promise<Exchange> {
  const { steps, gives, method } = test
  const answers = Array.isArray(gives) ? gives.length : 0
  return exchange({ url, steps, answers, isHead: method === 'HEAD', timeoutMs: HANG_MS })
}

/** In the table, cases of one kind are together. Here they alternate with others, as in real traffic. */
function spread(cases: readonly HostileCase[]): HostileCase[] {
  const columns = Math.ceil(Math.sqrt(cases.length))
  return Array.from({ length: columns }, (_, column) => cases.filter((_case, i) => i % columns === column)).flat()
}

t.test('the table has at least 400 different cases', async t => {
  t.ok(CASES.length >= 400, `the table has ${CASES.length} cases`)
  t.same(
    CASES.map(({ what }) => what).filter((what, i, all) => all.indexOf(what) !== i),
    [],
    'no two cases have the same name'
  )
})

t.test(
  'a hostile request is answered as the contract says, also the second time, affects nobody else, and leaves nothing behind',
  async t => {
    const dir = ownFolder(t, { 'tributary.yml': SOURCES })
    const server = await startServer(t, { dir })
    const { url } = server
    const lap = startHonestClient(t, url)
    await sleep(WARM_UP_MS)
    await lap()
    await sleep(WARM_UP_MS)
    const before = await lap()
    const memoryBefore = server.memory()
    let peak = memoryBefore

    const slow = CASES.filter(({ isSlow }) => isSlow === true).map(async test => ({ test, went: await run(url, test) }))
    const pass = async (): Promise<Lap> => {
      const queue = spread(CASES.filter(({ isSlow }) => isSlow !== true))
      const worker = async (): Promise<void> => {
        for (let test = queue.shift(); test !== undefined; test = queue.shift()) {
          t.same(faults(test, await run(url, test)), [], test.what)
          peak = Math.max(peak, server.memory())
          await sleep(PAUSE_MS)
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, worker))
      return lap()
    }
    // The server has never had such requests the first time: V8 has compiled its code for other ones.
    const laps = [await pass(), await pass()]
    for (const { test, went } of await Promise.all(slow)) {
      t.same(faults(test, went), [], `${test.what} (${Math.round(went.milliseconds)} ms)`)
    }

    const grown = (peak - memoryBefore) / 1e6
    const [first, again] = laps.map(({ p99 }) => p99.toFixed(1))
    t.comment(
      `honest requests: p99 ${before.p99.toFixed(1)} ms before, ${first} and ${again} ms during the hostile requests; memory grew by ${grown.toFixed(0)} MB`
    )
    for (const beside of laps) {
      t.ok(
        before.requests > 50 && beside.requests > 50,
        `${before.requests} and ${beside.requests} honest requests were sent`
      )
      t.same([...before.failures, ...beside.failures], [], 'every honest request is accepted')
      t.ok(
        beside.p50 < Math.max(before.p50 * 2, 20),
        `half of the honest requests were answered within ${beside.p50.toFixed(1)} ms`
      )
      t.ok(
        beside.p99 < Math.max(before.p99 * 2, BUSY_P99_MS),
        `99 % of the honest requests were answered within ${beside.p99.toFixed(1)} ms`
      )
    }
    t.ok(peak - memoryBefore < MAX_GROWTH_BYTES, `the memory grew by ${grown.toFixed(0)} MB`)
    t.ok(server.running, 'the server is still running')
    t.notMatch(server.stderr, /"level":(50|60)/, 'the server logged no error')
  }
)
