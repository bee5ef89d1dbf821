/** The admin listener answers any request soon and in one form, and events are not delayed. */
import { METHODS } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import t from 'tap'
import type { Test } from 'tap'
import { startAdminProcess } from '../../support/admin-server.ts'
import type { AdminServer } from '../../support/admin-server.ts'
import { basic, post, startApp } from '../../support/app.ts'
import { exchange } from '../../support/exchange.ts'
import type { RawAnswer } from '../../support/exchange.ts'

/** In the form in which they are registered. */
const ROUTES = [
  '/',
  '/api/audit',
  '/api/catalogue',
  '/api/events',
  '/api/events/:seq',
  '/api/fleet',
  '/api/hard-values',
  '/api/outcomes',
  '/api/overview',
  '/api/rejections',
  '/api/sources',
  '/api/sources/:id/keys/:index',
  '/api/sources/:id/test',
  '/api/stream',
  '/api/suppressions',
  '/api/trace/:messageId',
  '/api/violations',
  '/assets/*',
  '/favicon.ico',
  '/livez',
  '/login',
  '/logout',
  '/metrics',
  '/readyz',
  '/readyz/kafka'
]
const RUNS = 500
const MOST_MS = 1_000
const EVENTS_PER_SECOND = 40
const MOST_P99_MS = 50
const MOST_TURN_MS = 50
const ALONE_MS = 2_000
/** Other programs on the machine can delay an answer. A real fault occurs each time. */
const ATTEMPTS = 3

/** Values that people, programs and proxies send in place of a name or a number. */
const ODD = [
  ...[
    '',
    '0',
    '1',
    '1.5',
    '-1',
    '+1',
    '01',
    '1e3',
    '0x10',
    'NaN',
    'Infinity',
    '-Infinity',
    '1e400',
    'null',
    'undefined'
  ],
  ...[
    '9007199254740991',
    '9007199254740993',
    '99999999999999999999',
    '%20',
    '%2F',
    '..%2F..',
    '%00',
    '%',
    '%zz',
    '%ff'
  ],
  ...[
    '%ED%A0%80z',
    '%EF%BF%BD',
    '%F0%9F%98%80',
    '__proto__',
    'constructor',
    '*',
    '**',
    "'",
    '%22',
    'web',
    'true',
    '5s'
  ],
  ...['a'.repeat(100), 'a'.repeat(101), 'a'.repeat(500), 'a'.repeat(501), '%C3%A9'.repeat(101), '.', '..', ';', ':seq']
]
const PARAMETERS = [
  'source',
  'type',
  'outcome',
  'code',
  'event',
  'user',
  'messageId',
  'text',
  'after',
  'before',
  'limit'
]
const OTHERS = ['scope', 'order', 'count', 'detail', 'since', 'wait', 'q', '__proto__', 'limit[]', '%', '']
/** A request may wait as long as it requests. These request no time, or an invalid one. */
const WAITS = ['', '0', '-1', 'NaN', '61s', '1e9', '0.1s', '1ms', 'soon']

const odd = fc.oneof(fc.constantFrom(...ODD), fc.stringMatching(/^[!-~]{0,12}$/))
const segment = odd.map(text => text.replaceAll(/[?#/ ]/g, ''))
const path = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .tuple(fc.constantFrom(...ROUTES), fc.array(segment, { minLength: 2, maxLength: 2 }))
      .map(([route, [first = '', second = '']]) => {
        const [head = '', ...rest] = route.split(/:\w+|\*/)
        return rest.length === 0 ? head : `${head}${first}${rest[0]}${rest.length > 1 ? `${second}${rest[1]}` : ''}`
      })
  },
  { weight: 1, arbitrary: fc.array(segment, { maxLength: 5 }).map(parts => `/${parts.join('/')}`) }
)
const member = fc.oneof(
  fc.tuple(fc.constantFrom(...PARAMETERS, ...OTHERS.filter(name => name !== 'wait')), odd),
  fc.tuple(fc.constant('wait'), fc.constantFrom(...WAITS))
)
const query = fc
  .array(member, { maxLength: 4 })
  .map(members => members.map(([name, value]) => `${name}=${value.replaceAll(/[#& ]/g, '')}`).join('&'))
const asked = fc.record({
  method: fc.oneof({ weight: 3, arbitrary: fc.constantFrom('GET', 'HEAD') }, fc.constantFrom(...METHODS)),
  path,
  query,
  headers: fc.constantFrom(
    '',
    'last-event-id: -5\r\n',
    'last-event-id: 1.5\r\n',
    'expect: nothing\r\n',
    'upgrade: x\r\n'
  ),
  body: fc.constantFrom('', '', '{}', '{"type":', '"', 'null', '[1]', '{"type":"nothing"}')
})

interface Asked {
  readonly method: string
  readonly path: string
  readonly query: string
  readonly headers: string
  readonly body: string
}

function requestText({ method, path: where, query: what, headers, body }: Asked): string {
  const type = body === '' ? '' : `content-type: application/json\r\ncontent-length: ${body.length}\r\n`
  const target = method === 'CONNECT' ? 'x:1' : `${where}${what === '' ? '' : `?${what}`}`
  return `${method} ${target} HTTP/1.1\r\nhost: 127.0.0.1\r\n${headers}${type}\r\n${body}`
}

/** The difference of an answer from docs/debugger.md; undefined if there is none. */
function faultOf({ status, headers, body }: RawAnswer, { method, path: where }: Asked): string | undefined {
  if (status >= 500 && !(status === 503 && headers['retry-after'] !== undefined)) return `status ${status}`
  if (status < 400 || method === 'HEAD') return undefined
  // The form for people: only a password, and it is wrong.
  if (where === '/login' && method === 'POST' && [401, 429].includes(status)) return undefined
  if (status === 405 && headers['allow'] === undefined) return 'a 405 without Allow'
  if (headers['content-type']?.startsWith('application/json') !== true) return `${status} as ${headers['content-type']}`
  try {
    const { success, message, code, status: health, problems } = JSON.parse(body.toString()) as Record<string, unknown>
    // Health has its own form. There is no Kafka here, so /readyz/kafka is never ready.
    if (status === 503 && where === '/readyz/kafka')
      return health === 'unavailable' && Array.isArray(problems) ? undefined : body.toString()
    const isForm = success === false && typeof message === 'string' && message !== '' && /^[a-z_]+$/.test(String(code))
    return isForm ? undefined : body.toString()
  } catch {
    return `no JSON: ${body.toString()}`
  }
}

async function ask(url: string, question: Asked): Promise<string | undefined> {
  let slowest = 0
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const steps = [requestText(question)]
    const isHead = question.method === 'HEAD'
    const { answers, milliseconds } = await exchange({ url, steps, isHead, timeoutMs: 10_000 })
    const [answer] = answers
    if (answer === undefined) return 'no answer'
    const fault = faultOf(answer, question)
    if (fault !== undefined) return fault
    if (milliseconds < MOST_MS) return undefined
    slowest = Math.max(slowest, milliseconds)
  }
  return `it took ${Math.round(slowest)} ms`
}

/** Milliseconds until the answers to events that are sent during `work`. */
async function beside(server: AdminServer, work: () => Promise<void>): Promise<number[]> {
  const milliseconds: number[] = []
  const open = new Set<Promise<void>>()
  const timer = setInterval(() => {
    const start = performance.now()
    const sending = post(`${server.tracking}/v1/track`, { userId: 'u', event: 'Beside', properties: { a: 1 } })
      .then(() => void milliseconds.push(performance.now() - start))
      .finally(() => open.delete(sending))
    open.add(sending)
  }, 1000 / EVENTS_PER_SECOND)
  await work().finally(() => clearInterval(timer))
  await Promise.all(open)
  return milliseconds
}

const p99 = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.99)] ?? Infinity

async function holds(t: Test, env: Record<string, string>): Promise<unknown> {
  let words = ''
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const server = await startAdminProcess(t, env)
    const alone = p99(await beside(server, () => sleep(ALONE_MS)))
    await server.usage()
    const milliseconds = await beside(server, () =>
      fc.assert(
        fc.asyncProperty(asked, async question => {
          const fault = await ask(server.admin, question)
          if (fault !== undefined) throw new Error(`${JSON.stringify(requestText(question))}: ${fault}`)
        }),
        { numRuns: RUNS, interruptAfterTimeLimit: 60_000, markInterruptAsFailure: false }
      )
    )
    const { longestTurnMs } = await server.usage()
    t.equal((await fetch(`${server.admin}/livez`)).status, 200, 'the server still answers')
    const waited = p99(milliseconds)
    const turn = `the longest turn of the event loop took ${longestTurnMs.toFixed(1)} ms of CPU time`
    words = `p99 of ${milliseconds.length} events beside it ${waited.toFixed(1)} ms, alone ${alone.toFixed(1)} ms; ${turn}`
    // Other work on the machine can delay single events.
    if (waited < Math.max(MOST_P99_MS, 2 * alone) && longestTurnMs < MOST_TURN_MS) return t.pass(words)
    t.comment(words)
  }
  return t.fail(words)
}

t.test('Every admin route is in the list of this test', async t => {
  const { app } = await startApp(t)
  const above: string[] = []
  const paths = app.admin
    .printRoutes({ commonPrefix: false })
    .split('\n')
    .flatMap(line => {
      const [, indent = '', part, methods] = /^([\s│]*)[├└]── (\S*)(?: \((.*)\))?/.exec(line) ?? []
      if (part === undefined) return []
      const depth = indent.length / 4
      above.splice(depth, Infinity, part)
      return methods === undefined ? [] : [above.join('')]
    })
  const own = paths.filter(found => !found.startsWith('/assets/vendor/'))
  // So it prints what stands for the page's files.
  const named = own.map(found => (found === '/*' ? '/assets/*' : found))
  t.strictSame([...new Set(named)].toSorted(), ROUTES)
})

t.test('Any request is answered within a second, in one form, and events are not delayed by it', async t => {
  await holds(t, {})
})

t.test('The same holds with a password that the request does not have', async t => {
  await holds(t, { ADMIN_PASSWORD: 'secret' })
})

t.test('Requests that once stopped the server are answered', async t => {
  const server = await startAdminProcess(t)
  await post(`${server.tracking}/v1/track`, { userId: 'u', event: 'E', messageId: 'm' }, { authorization: basic() })
  const cases: readonly [string, string, number][] = [
    ['GET', '/api/trace/', 400],
    ['GET', '/api/trace/m', 200],
    ['GET', `/api/trace/${'a'.repeat(101)}`, 200],
    ['GET', `/api/trace/${'a'.repeat(501)}`, 400],
    ['GET', '/api/trace/%ED%A0%80z', 400],
    ['GET', '/api/events/1', 200],
    ['GET', '/api/events/1.5', 400],
    ['GET', '/api/events/-1', 400],
    ['GET', '/api/events/NaN', 400],
    ['GET', '/api/events/', 400],
    ['GET', '/api/events/99999999999999999999', 400],
    ['GET', '/api/events/2', 404],
    ['POST', '/api/sources/web/keys/0', 200],
    ['POST', '/api/sources/web/keys/', 404],
    ['POST', '/api/sources/web/keys/%200', 404],
    ['POST', '/api/sources/web/keys/0.0', 404],
    ['POST', '/api/sources//test', 404],
    ['PUT', '/api/events', 405],
    ['POST', '/metrics', 405],
    ['CONNECT', '/', 400]
  ]
  for (const [method, where, status] of cases) {
    const question = { method, path: where, query: '', headers: '', body: '' }
    const { answers } = await exchange({ url: server.admin, steps: [requestText(question)], timeoutMs: 5_000 })
    t.equal(answers[0]?.status, status, `${method} ${where.slice(0, 30)} has the expected status`)
    if (answers[0] !== undefined) t.equal(faultOf(answers[0], question), undefined)
  }
  const bare = await exchange({ url: server.admin, steps: ['GET /livez HTTP/1.1\r\n\r\n'], timeoutMs: 5_000 })
  t.match(bare.answers[0]?.body.toString(), /"code":"bad_request"/, 'a request without a Host is a bad request')
  const broken = await exchange({ url: server.admin, steps: ['G@T / HTTP/1.1\r\n\r\n'], timeoutMs: 5_000 })
  t.match(broken.answers[0]?.body.toString(), /"code":"bad_request"/, 'bytes that are not a request are a bad request')
})

t.test('A HEAD of the stream is answered and opens no stream, and a HEAD of a list does not wait', async t => {
  const server = await startAdminProcess(t)
  for (let i = 0; i < 40; i++) {
    const steps = ['HEAD /api/stream HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n']
    const { answers } = await exchange({ url: server.admin, steps, isHead: true, timeoutMs: 5_000 })
    t.match(answers[0], { status: 200, headers: { 'content-type': /^text\/event-stream/ } })
  }
  const response = await fetch(`${server.admin}/api/stream`)
  t.equal(response.status, 200, 'the page can still open the stream')
  await response.body?.cancel()
  const start = performance.now()
  await fetch(`${server.admin}/api/events?event=Never&wait=30s`, { method: 'HEAD' })
  t.ok(performance.now() - start < 10_000)
})
