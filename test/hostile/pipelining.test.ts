/** Many requests on one connection whose client does not wait for the answers. */
import t from 'tap'

import { startApp } from '../support/app.ts'
import { assertAnswerMatchesContract } from '../support/contract-answers.ts'
import { exchange } from '../support/exchange.ts'
import { request } from './cases/case.ts'

t.test('a connection may have 100 requests without an answer; one more ends it with a 503', async t => {
  const { url, sink } = await startApp(t)
  let release = (): void => undefined
  sink.gate = new Promise<void>(resolve => (release = resolve))
  const requests = (count: number): Buffer => Buffer.concat(Array.from({ length: count }, () => request()))

  const flood = await exchange({ url, steps: [requests(20_000)], answers: 0, timeoutMs: 10_000 })
  t.not(flood.end, 'open', 'the connection was closed')
  for (const { status, headers, body } of flood.answers) {
    t.equal(status, 503)
    t.equal(headers['connection'], 'close')
    assertAnswerMatchesContract(t, { method: 'POST', path: '/v1/track', status, headers, body })
  }

  const most = exchange({ url, steps: [requests(100)], answers: 100, timeoutMs: 10_000 })
  setTimeout(release, 500)
  const { answers } = await most
  t.equal(answers.length, 100)
  t.ok(answers.every(({ status }) => status === 200))
  t.ok(sink.records.length <= 200, `${sink.records.length} requests were accepted`)
})

t.test('a flood of requests without effect ends the connection too, and takes no memory', async t => {
  const { url } = await startApp(t)
  const before = process.memoryUsage().rss
  const minimal = Buffer.from('GET /x HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(50_000))
  const { end } = await exchange({ url, steps: [minimal], answers: 0, timeoutMs: 10_000 })
  t.not(end, 'open')
  const grown = (process.memoryUsage().rss - before) / 1e6
  t.ok(grown < 150, `the memory grew by ${grown.toFixed(0)} MB`)
})

t.test('invalid bytes after a valid request do not replace its answer', async t => {
  const { url, sink } = await startApp(t)
  const bad = request({ framing: 'content-length: x\r\n', body: '' })
  for (const behind of [Buffer.from('garbage\r\n\r\n'), bad]) {
    const steps = [Buffer.concat([request(), request(), behind, request()])]
    const { answers, end } = await exchange({ url, steps, answers: 3, timeoutMs: 5_000 })
    t.same(
      answers.map(({ status }) => status),
      [200, 200, 400]
    )
    t.equal(end, 'closed')
  }
  t.equal(sink.records.length, 4, 'nothing after the invalid request was read')
})

t.test('a broken chunk is refused at once, after the answers to earlier requests', async t => {
  const { url } = await startApp(t)
  const broken = request({ framing: 'transfer-encoding: chunked\r\n', body: 'x\r\n' })
  const { answers, end } = await exchange({
    url,
    steps: [Buffer.concat([request(), broken])],
    answers: 2,
    timeoutMs: 5_000
  })
  t.same(
    answers.map(({ status }) => status),
    [200, 400]
  )
  t.equal(end, 'closed')
  t.equal((await exchange({ url, steps: [broken], timeoutMs: 5_000 })).answers[0]?.status, 400)
})
