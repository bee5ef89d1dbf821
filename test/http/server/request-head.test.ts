/** Both listeners accept only HTTP/1.0 and HTTP/1.1 as in RFC 9112, and answer all other requests with an error. */
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import t from 'tap'
import type { Test } from 'tap'
import { pino } from 'pino'
import { basic, startApp } from '../../support/app.ts'
import { assertAnswerMatchesContract } from '../../support/contract-answers.ts'
import { connectRaw } from '../../support/http.ts'
import { until } from '../../support/until.ts'

const EVENT = '{"userId":"u","event":"e"}'
const HOST = 'host: test\r\n'
const BODY = `authorization: ${basic()}\r\ncontent-type: application/json\r\ncontent-length: ${EVENT.length}\r\n\r\n${EVENT}`
const CHUNKS = `1a\r\n${EVENT}\r\n0\r\n\r\n`

function chunked(coding: string, version = '1.1'): string {
  return `POST /v1/track HTTP/${version}\r\n${HOST}authorization: ${basic()}\r\n${coding}\r\n\r\n${CHUNKS}`
}

function withHost(lines: string, version = '1.1'): string {
  return `POST /v1/track HTTP/${version}\r\n${lines}${BODY}`
}

const RTSP_METHODS = 'DESCRIBE ANNOUNCE SETUP PLAY PAUSE TEARDOWN GET_PARAMETER SET_PARAMETER REDIRECT RECORD FLUSH'

/** By error message. */
const REFUSED: Readonly<Record<string, readonly string[]>> = {
  'the server accepts only HTTP/1.0 and HTTP/1.1': [
    `POST /v1/track RTSP/1.0\r\n${HOST}${BODY}`,
    `POST /v1/track RTSP/1.1\r\n${HOST}${BODY}`,
    `\r\nPOST  /v1/track  RTSP/1.0\r\n${HOST}${BODY}`,
    `GET /livez RTSP/1.0\r\n\r\n`,
    `OPTIONS /v1/track RTSP/1.0\r\ncseq: 1\r\n\r\n`,
    ...RTSP_METHODS.split(' ').map(method => `${method} /x RTSP/1.0\r\ncseq: 1\r\n\r\n`),
    `SOURCE /x ICE/1.0\r\n\r\n`,
    `SOURCE /x HTTP/1.1\r\n${HOST}\r\n`,
    ...['0.9', '2.0'].map(version => `GET /livez HTTP/${version}\r\n${HOST}\r\n`)
  ],
  'the only Transfer-Encoding is chunked, in HTTP/1.1': [
    'transfer-encoding: gzip, chunked',
    'transfer-encoding: x, chunked',
    'transfer-encoding: gzip\r\ntransfer-encoding: chunked',
    'transfer-encoding: ,chunked',
    'transfer-encoding: "chunked"',
    'transfer-encoding: chunked;q=1',
    'transfer-encoding: identity'
  ]
    .map(coding => chunked(coding))
    .concat(chunked('transfer-encoding: chunked', '1.0')),
  'there are two Hosts': [
    withHost('host: a\r\nhost: b\r\n'),
    withHost('host: a\r\nHOST: a\r\n'),
    withHost('host: a\r\nx: y\r\nHost:\r\n', '1.0')
  ],
  'the Host is not valid': [
    'a b',
    'a, b',
    'a/b',
    'user@a',
    'a:b',
    'a:80:80',
    'http://a',
    '[::1',
    '::1',
    '[::1]x',
    'a%zz',
    'a?b',
    'a#b',
    '<a>',
    '\xe9'
  ].flatMap(host => ['1.0', '1.1'].map(version => withHost(`host: ${host}\r\n`, version))),
  'there is no Host': [withHost('')]
}

const TAKEN = [
  withHost(HOST),
  withHost('host: test:3000\r\n'),
  withHost('host: [::1]:3000\r\n'),
  withHost('host: a.example.\r\n'),
  withHost('host: my_host-1:\r\n'),
  withHost('host: 127.0.0.1\r\n'),
  withHost('host: a%20b\r\n'),
  withHost('host:\r\n'),
  withHost('', '1.0'),
  withHost('host: test\r\nconnection: keep-alive\r\n', '1.0'),
  chunked('transfer-encoding: chunked'),
  chunked('Transfer-Encoding:  Chunked')
]

/** Sends `bytes` and returns the answer; fails if the connection stays open. */
async function refusal(t: Test, url: string, bytes: string, isContract: boolean): Promise<unknown> {
  const { socket, answer, gone } = await connectRaw(t, url)
  socket.write(bytes, 'latin1')
  const { status, headers, body, text } = await answer()
  await gone
  const path = bytes.trimStart().split(/ +/)[1] ?? ''
  if (isContract) assertAnswerMatchesContract(t, { method: 'POST', path, status, headers, body: text })
  return { status, body, connection: headers['connection'], type: headers['content-type'] }
}

t.test(
  'a request that is not valid HTTP/1.0 or HTTP/1.1 is a 400 on both listeners, closes, stores nothing, logs nothing',
  async t => {
    const lines: string[] = []
    const logger = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) })
    const { url, adminUrl, sink } = await startApp(t, { logger })
    for (const [address, isContract] of [
      [url, true],
      [adminUrl, false]
    ] as const) {
      lines.length = 0
      for (const [message, requests] of Object.entries(REFUSED)) {
        for (const bytes of requests) {
          const wanted = {
            status: 400,
            body: { success: false, code: 'bad_request', message },
            connection: 'close',
            type: 'application/json; charset=utf-8'
          }
          t.same(await refusal(t, address, bytes, isContract), wanted, bytes.slice(0, 60))
        }
      }
      t.same(lines, [], 'the log is empty')
    }
    t.same(sink.records, [])
  }
)

t.test('a valid request is accepted', async t => {
  const { url, sink } = await startApp(t)
  for (const bytes of TAKEN) {
    const { socket, answer } = await connectRaw(t, url)
    socket.write(bytes)
    t.equal((await answer()).status, 200, bytes.slice(0, 60))
  }
  t.equal(sink.records.length, TAKEN.length)
})

t.test('a request before a refused one is answered, and nothing after it is read', async t => {
  const { url, sink } = await startApp(t)
  const { socket, answer, gone } = await connectRaw(t, url)
  socket.write(withHost(HOST) + chunked('transfer-encoding: gzip, chunked') + withHost(HOST))
  t.equal((await answer()).status, 200)
  t.equal((await answer()).status, 400)
  await gone
  await until(() => sink.records.length > 0, { what: 'the first event' })
  t.equal(sink.records.length, 1)
})

/**
 * Methods that Node's parser accepts with RTSP although they belong to HTTP, so that only the request line shows the
 * protocol.
 */
const SHARED = [
  `POST /v1/track VERSION\r\n${HOST}${BODY}`,
  `POST /v1/track VERSION\r\n${HOST}content-length: 2\r\n\r\n{}`,
  `POST /nowhere VERSION\r\n${HOST}content-length: 0\r\n\r\n`,
  `GET /v1/track VERSION\r\n${HOST}\r\n`,
  `GET /livez VERSION\r\n${HOST}\r\n`,
  `GET /api/trace/x VERSION\r\n${HOST}\r\n`,
  `GET rtsp://test/live VERSION\r\n${HOST}cseq: 1\r\n\r\n`,
  `OPTIONS /v1/track VERSION\r\n${HOST}cseq: 1\r\n\r\n`,
  `OPTIONS * VERSION\r\n${HOST}\r\n`
]
const FIRST = `GET /first HTTP/1.1\r\n${HOST}\r\n`

/** Ways to send a head so that its first line is not recognised, with the versions that are accepted in this way. */
const UNSEEN: Readonly<
  Record<string, { readonly versions: readonly string[]; readonly pieces: (head: string) => string[] }>
> = {
  'in two segments': {
    versions: ['1.0', '1.1'],
    pieces: head => [head.slice(0, head.indexOf('\n') + 1), head.slice(head.indexOf('\n') + 1)]
  },
  'cut within its line': { versions: ['1.0', '1.1'], pieces: head => [head.slice(0, 9), head.slice(9)] },
  'behind another in one segment': { versions: ['1.0', '1.1'], pieces: head => [FIRST + head] },
  'later on its connection': { versions: ['1.1'], pieces: head => [FIRST, head] }
}

/** The answer to the last piece. The server reads each piece before the next is sent. */
async function answerTo(t: Test, { url, server }: { url: string; server: Server }, pieces: readonly string[]) {
  const connected = once(server, 'connection') as Promise<[Socket]>
  const { socket, answer } = await connectRaw(t, url)
  const [peer] = await connected
  let sent = 0
  for (const piece of pieces) {
    socket.write(piece)
    sent += piece.length
    await until(() => peer.bytesRead >= sent, { what: 'the server to read the piece' })
  }
  if (pieces.join('').startsWith(FIRST)) await answer()
  const { status, body, headers } = await answer()
  socket.destroy()
  return { status, body, headers: Object.keys(headers).toSorted(), type: headers['content-type'] }
}

t.test(
  'a line of RTSP that is not recognised is answered and logged like HTTP, and no other line is accepted so',
  async t => {
    const lines: string[] = []
    const logger = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) })
    const { app, url, adminUrl, sink } = await startApp(t, { logger })
    lines.length = 0
    const listeners = [
      { url, server: app.tracking.server },
      { url: adminUrl, server: app.admin.server }
    ]
    for (const listener of listeners) {
      for (const [how, { versions, pieces }] of Object.entries(UNSEEN)) {
        for (const version of versions) {
          for (const head of SHARED) {
            const ask = async (name: string) =>
              answerTo(t, listener, pieces(head.replace('VERSION', `${name}/${version}`)))
            const http = await ask('HTTP')
            const rtsp = await ask('RTSP')
            t.same(rtsp, http, `${how}: ${head.split('\r')[0]} ${version} has the same answer with RTSP as with HTTP`)
          }
          for (const own of [...RTSP_METHODS.split(' ').map(method => `${method} /x RTSP`), 'SOURCE /x ICE']) {
            const refused = await answerTo(t, listener, pieces(`${own}/${version}\r\n${HOST}\r\n`))
            t.equal(refused.status, 400, `${how}: ${own}/${version} is refused`)
          }
        }
      }
    }
    t.ok(sink.records.length > 0)
    t.same(lines, [], 'the log is empty')
  }
)

t.test('a page that may send can read why it was refused', async t => {
  const { url } = await startApp(t)
  const { socket, answer } = await connectRaw(t, url)
  socket.write(`GET /v1/track HTTP/2.0\r\n${HOST}origin: https://shop.example\r\n\r\n`)
  const { headers } = await answer()
  t.equal(headers['access-control-allow-origin'], 'https://shop.example')
  t.match(headers['vary'], /origin/i)
})

t.test('errors that Node reports before there is a request have the documented form on both listeners too', async t => {
  const { url, adminUrl } = await startApp(t)
  const broken: [string, number, string][] = [
    [`GET /livez HTTP/1.1\r\nhost test\r\n\r\n`, 400, 'bad_request'],
    [`GET /livez HTTP/1.1\r\n${HOST}x: ${'x'.repeat(70_000)}\r\n\r\n`, 431, 'headers_too_large'],
    [`ANNOUNCE /x HTTP/1.1\r\n${HOST}\r\n`, 400, 'bad_request'],
    [`GET /livez FTP/1.0\r\n${HOST}\r\n`, 400, 'bad_request'],
    [`CONNECT test:443 HTTP/1.1\r\n${HOST}\r\n`, 400, 'bad_request']
  ]
  for (const address of [url, adminUrl]) {
    for (const [bytes, status, code] of broken) {
      t.match(await refusal(t, address, bytes, false), { status, body: { success: false, code }, connection: 'close' })
    }
    const { socket, answer } = await connectRaw(t, address)
    socket.write(`GET /livez HTTP/1.1\r\n${HOST}expect: 200-maybe\r\n\r\n`)
    t.not((await answer()).status, 417, 'an unknown expectation is ignored')
  }
})

t.test('a listener on localhost is one listener, with the same checks as any other', async t => {
  const { app, url, adminUrl } = await startApp(t, { env: { HOST: 'localhost', ADMIN_HOST: 'localhost' } })
  for (const [listener, address] of [
    [app.tracking, url],
    [app.admin, adminUrl]
  ] as const) {
    t.same(
      listener.addresses().map(each => (each as AddressInfo).address),
      ['127.0.0.1'],
      'there is only one listener, because Fastify would add one for ::1 without limits and checks'
    )
    t.match(await refusal(t, address, 'ANNOUNCE /x RTSP/1.0\r\n\r\n', false), { status: 400 })
  }
})
