/**
 * Requests that two servers in a row could split at different positions. They are refused with JSON and the connection
 * is closed, so that nothing after them is read as a request (RFC 9112, 6.3 and 11.2).
 */
import t from 'tap'
import { basic, startApp } from '../../support/app.ts'
import { assertAnswerMatchesContract } from '../../support/contract-answers.ts'
import { connectRaw, head } from '../../support/http.ts'

const EVENT = '{"userId":"u","event":"e"}'
const HIDDEN = '{"userId":"smuggled","event":"e"}'
const SMUGGLED = `${head('/v1/track', { 'content-length': HIDDEN.length })}${HIDDEN}`
const AUTHORIZATION = `host: test\r\nauthorization: ${basic()}\r\n`

const post = (headers: string, body: string): string =>
  `POST /v1/track HTTP/1.1\r\n${AUTHORIZATION}${headers}\r\n${body}`
const sized = `content-length: ${EVENT.length}\r\n`
const chunked = 'transfer-encoding: chunked\r\n'
const chunks = `1a\r\n${EVENT}\r\n0\r\n\r\n`

const REFUSED: readonly (readonly [what: string, request: string])[] = [
  ['both lengths, chunked last', post(sized + chunked, `0\r\n\r\n`)],
  ['both lengths, chunked first', post(chunked + sized, EVENT)],
  ['two different lengths', post(`${sized}content-length: 5\r\n`, EVENT)],
  ['two equal lengths', post(sized + sized, EVENT)],
  ['a list of lengths', post('content-length: 26, 26\r\n', EVENT)],
  ['a signed length', post('content-length: +26\r\n', EVENT)],
  ['a negative length', post('content-length: -1\r\n', EVENT)],
  ['a length in hexadecimal', post('content-length: 0x1a\r\n', EVENT)],
  ['an empty length', post('content-length: \r\n', EVENT)],
  ['a length beyond every number', post('content-length: 99999999999999999999999\r\n', EVENT)],
  ['a transfer coding that is not the last', post('transfer-encoding: chunked, identity\r\n', chunks)],
  ['an unknown transfer coding', post('transfer-encoding: xchunked\r\n', chunks)],
  ['white space before the colon', post('transfer-encoding : chunked\r\n', chunks)],
  ['a folded header', post('x: a\r\n b\r\n', '')],
  ['a bare line feed in the head', `POST /v1/track HTTP/1.1\n${AUTHORIZATION}${sized}\r\n${EVENT}`],
  ['a bare carriage return in a header', post(`x: a\rb\r\n${sized}`, EVENT)],
  ['a null in a header', post(`x: a\0b\r\n${sized}`, EVENT)],
  ['a chunk size that is not a number', post(chunked, `xyz\r\n${EVENT}\r\n0\r\n\r\n`)],
  ['a chunk size with a sign', post(chunked, `+1a\r\n${EVENT}\r\n0\r\n\r\n`)],
  ['a chunk size beyond every number', post(chunked, `fffffffffffffffff\r\n${EVENT}\r\n0\r\n\r\n`)],
  ['a chunk that is longer than its size', post(chunked, `5\r\n${EVENT}\r\n0\r\n\r\n`)],
  ['a bare line feed after a chunk size', post(chunked, `1a\n${EVENT}\r\n0\r\n\r\n`)],
  ['no version', `POST /v1/track\r\n${AUTHORIZATION}${sized}\r\n${EVENT}`],
  ['a version that does not exist', `POST /v1/track HTTP/9.9\r\n${AUTHORIZATION}${sized}\r\n${EVENT}`],
  ["HTTP/2's preface", 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['a method that does not exist', `STEAL /v1/track HTTP/1.1\r\n${AUTHORIZATION}${sized}\r\n${EVENT}`],
  ['a space in the target', `POST /v1/track x HTTP/1.1\r\n${AUTHORIZATION}${sized}\r\n${EVENT}`],
  ["TLS's first bytes", '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ['anything', 'hello\r\n\r\n']
]

t.test('a request that could be split in two ways is a 400 in JSON, and the connection is closed', async t => {
  const { url, sink } = await startApp(t)
  for (const [what, request] of REFUSED) {
    const { write, answer, gone } = await connectRaw(t, url)
    await write(Buffer.from(request + SMUGGLED, 'latin1'))
    const { status, headers, text, body } = await answer()
    t.equal(status, 400, what)
    t.equal(body['code'], 'bad_request', what)
    t.equal(headers['connection'], 'close')
    assertAnswerMatchesContract(t, { method: 'POST', path: '/v1/track', status, headers, body: text })
    await gone
  }
  t.notOk(
    sink.records.some(({ line }) => line.includes('smuggled')),
    'no byte after the refused requests was read as a request'
  )
})

t.test('chunk extensions without end are refused (CVE-2024-22019)', async t => {
  const { url } = await startApp(t)
  const { write, answer, gone } = await connectRaw(t, url)
  await write(post(chunked, `1;${'x'.repeat(20_000)}`))
  const { status, body } = await answer()
  t.equal(status, 431)
  t.equal(body['code'], 'headers_too_large')
  await gone
})

t.test('a client that writes 200 KB of headers before it reads still gets the reason of the refusal', async t => {
  const { url } = await startApp(t)
  const { socket, write, answer, gone } = await connectRaw(t, url)
  socket.pause()
  for (let i = 0; i < 40; i++) {
    await write(i === 0 ? 'POST /v1/track HTTP/1.1\r\nx: ' : 'x'.repeat(5_000))
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  socket.resume()
  t.equal((await answer()).status, 431)
  t.equal(await gone, 'closed')
})

t.test('requests after a valid request are answered in order, each separately', async t => {
  const { url, sink } = await startApp(t)
  const { write, answer } = await connectRaw(t, url)
  const bad = '{"userId":5,"event":"e"}'
  await write(
    `${post(sized, EVENT)}${post(`content-length: ${bad.length}\r\n`, bad)}${post(chunked, chunks)}${SMUGGLED}`
  )
  t.same(
    [(await answer()).status, (await answer()).status, (await answer()).status, (await answer()).status],
    [200, 400, 200, 200]
  )
  t.equal(sink.records.filter(({ kind }) => kind === 'event').length, 3)
})

t.test('the body of a request that was refused at its head is not read as a request', async t => {
  const { url, sink } = await startApp(t)
  const { write, answer } = await connectRaw(t, url)
  await write(head('/nope', { 'content-length': SMUGGLED.length }) + SMUGGLED)
  t.equal((await answer()).status, 404)
  // The body of such a request is stored as a refused one, so the answer is sent after the body has arrived.
  await write(head('/v1/track', { 'content-encoding': 'compress', 'content-length': SMUGGLED.length }) + SMUGGLED)
  t.equal((await answer()).status, 415)
  await write(post(sized, EVENT))
  t.equal((await answer()).status, 200)
  t.equal(sink.records.filter(({ kind }) => kind === 'event').length, 1)
})
