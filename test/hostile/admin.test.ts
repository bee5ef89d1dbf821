/** Any client of the admin listener may send the same hostile requests. */
import t from 'tap'
import { startApp } from '../support/app.ts'
import type { Step } from '../support/exchange.ts'
import { exchange } from '../support/exchange.ts'
import { framingCases } from './cases/framing.ts'

const LIVEZ = 'GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n'
const get = (path: string, headers = 'host: 127.0.0.1\r\n'): string => `GET ${path} HTTP/1.1\r\n${headers}\r\n`
const post = (path: string, body: string, headers = ''): string =>
  `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${headers}content-length: ${body.length}\r\n\r\n${body}`

const REQUESTS: readonly string[] = [
  get('/%'),
  get('/%00'),
  get('/..%2f..%2f..%2fetc/passwd'),
  get('/../../../etc/passwd'),
  get('/api/../../package.json'),
  get('//etc/passwd'),
  get(`/${'a'.repeat(20_000)}`),
  get(`/api/events?${'a=b&'.repeat(5_000)}`),
  get('/api/events?q[]=1&q[]=2&q=%ff'),
  get('/api/events?limit=1e400'),
  get('/api/events?limit=-1'),
  get('/api/events/__proto__'),
  get('/api/events/..%2f'),
  get('/api/nothing'),
  get('/metrics', `host: 127.0.0.1\r\ncookie: ${'tributary_session=x;'.repeat(1_000)}\r\n`),
  get('/', 'host: evil.example\r\n'),
  get('/api/events', 'host: evil.example\r\n'),
  get('/api/events', ''),
  get('/api/events', 'host: 127.0.0.1\r\nauthorization: Basic !!!\r\n'),
  get('/api/events', `host: 127.0.0.1\r\nauthorization: Basic ${'A'.repeat(20_000)}\r\n`),
  post('/login', 'password='),
  post('/login', '{"password":{"a":1}}', 'content-type: application/json\r\n'),
  post('/login', `{"__proto__":{"a":1}}`, 'content-type: application/json\r\n'),
  post('/login', 'x'.repeat(100_000), 'content-type: application/x-www-form-urlencoded\r\n'),
  post('/api/events', '{}'),
  post('/metrics', '{}'),
  'DELETE /api/sources HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n',
  'TRACE / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n'
]

t.test('no request makes the admin listener fail, hang or show a stack', async t => {
  for (const password of ['', 'secret']) {
    const { adminUrl } = await startApp(t, { env: { ADMIN_PASSWORD: password } })
    const all = [...REQUESTS.map(text => ({ what: text.slice(0, 60), steps: [text] })), ...framingCases]
    for (const { what, steps } of all) {
      const { answers, end } = await exchange({ url: adminUrl, steps, timeoutMs: 5_000 })
      t.ok(answers.length > 0 || end !== 'open', `${what}: the listener answers or closes the connection`)
      for (const { status, body } of answers.slice(0, 1)) {
        t.ok(status < 500, `${what}: the status is ${status}`)
        t.notMatch(body.toString(), /node_modules|\n\s+at /, 'the answer has no stack trace')
      }
    }
    const { answers } = await exchange({ url: adminUrl, steps: [LIVEZ], timeoutMs: 5_000 })
    t.equal(answers[0]?.status, 200, 'the server still answers')
  }
})

t.test('a client that sends slowly is disconnected within 30 s on the admin listener too', async t => {
  const { adminUrl } = await startApp(t)
  const drip: Step[] = Array.from({ length: 60 }, () => [500, 'x']).flat()
  const slow: readonly Step[][] = [
    ['GET /livez HTTP/1.1\r\nx: ', ...drip],
    [
      'POST /login HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n',
      ...drip
    ]
  ]
  const ends = await Promise.all(slow.map(steps => exchange({ url: adminUrl, steps, answers: 0, timeoutMs: 30_000 })))
  for (const { end, milliseconds } of ends)
    t.not(end, 'open', `the connection was closed after ${Math.round(milliseconds)} ms`)
})
