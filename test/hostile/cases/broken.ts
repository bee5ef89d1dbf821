import { gzipSync } from 'node:zlib'
import { HALF_CLOSE, RESET } from '../../support/exchange.ts'
import type { HostileCase } from './case.ts'
import { AUTHORIZATION, chunk, EVENT, request } from './case.ts'

const headOnly = (length: number, path = '/v1/track'): Buffer =>
  request({ path, framing: `content-length: ${length}\r\n`, body: '' })
const chunkedHead = request({ framing: 'transfer-encoding: chunked\r\n', body: '' })
const gzipHead = (framing: string): Buffer =>
  request({ head: `${AUTHORIZATION}content-encoding: gzip\r\n`, framing, body: '' })

/** The same bytes repeatedly, with a pause before each. */
function drip(piece: string | Buffer, everyMs: number, forMs: number): (string | Buffer | number)[] {
  return Array.from({ length: Math.floor(forMs / everyMs) }, () => [everyMs, piece]).flat()
}

/** How long slow clients continue, unless they are stopped. */
const SLOW_MS = 35_000

const ABORTED: Readonly<Record<string, HostileCase['steps']>> = {
  'a reset before the first byte': [RESET],
  'a reset in the request line': ['POST /v1/tr', 20, RESET],
  'a reset in the headers': ['POST /v1/track HTTP/1.1\r\nhost: te', 20, RESET],
  'a reset after the headers': [headOnly(1_000), 20, RESET],
  'a reset in the body': [headOnly(1_000), EVENT, 20, RESET],
  'a reset in a compressed body': [gzipHead('content-length: 1000\r\n'), gzipSync(EVENT).subarray(0, 15), 20, RESET],
  'a reset in a chunk': [chunkedHead, '1a\r\n{"user', 20, RESET],
  'a reset before the last chunk': [chunkedHead, chunk(EVENT), 20, RESET],
  'a reset right after a whole request': [request(), RESET],
  'a reset right after a request that needs the address': [
    request({ body: '{"userId":"u","event":"e","context":{"direct":true}}' }),
    RESET
  ],
  'a reset after 20 requests': [Buffer.concat(Array.from({ length: 20 }, () => request())), RESET]
}

const HALF_CLOSED: Readonly<Record<string, HostileCase['steps']>> = {
  'an end after half a request line': ['POST /v1/tr', HALF_CLOSE],
  'an end after half of the headers': ['POST /v1/track HTTP/1.1\r\nhost: te', HALF_CLOSE],
  'an end after half of a body': [headOnly(1_000), EVENT, HALF_CLOSE],
  'an end after half of a chunk': [chunkedHead, '1a\r\n{"user', HALF_CLOSE],
  'an end without a last chunk': [chunkedHead, chunk(EVENT), HALF_CLOSE]
}

const SLOW: Readonly<Record<string, HostileCase['steps']>> = {
  'one byte of the request line': ['P'],
  'a slow request line': ['POST /', ...drip('x', 500, SLOW_MS)],
  'slow headers': ['POST /v1/track HTTP/1.1\r\nhost: test\r\n', ...drip('x', 500, SLOW_MS)],
  'slow whole headers': ['POST /v1/track HTTP/1.1\r\nhost: test\r\n', ...drip('x: y\r\n', 500, SLOW_MS)],
  'slow blank lines': drip('\r\n', 500, SLOW_MS),
  'a body that never begins': [headOnly(1_000)],
  'a body that stops': [headOnly(1_000), EVENT],
  'a slow body': [headOnly(30_000), ...drip('x', 250, SLOW_MS)],
  'a slow body of a batch': [headOnly(400_000, '/v1/batch'), ...drip('x'.repeat(50), 250, SLOW_MS)],
  'slow chunks': [chunkedHead, ...drip('1\r\nx\r\n', 250, SLOW_MS)],
  'a chunk that never ends': [chunkedHead, 'ffff\r\n', ...drip('x', 250, SLOW_MS)],
  'a slow chunk extension': [chunkedHead, '1a;', ...drip('x', 250, SLOW_MS)],
  'slow trailers': [chunkedHead, chunk(EVENT), '0\r\n', ...drip('x: y\r\n', 500, SLOW_MS)],
  'a slow compressed body': [
    gzipHead('content-length: 30000\r\n'),
    // A header with a name that never ends.
    Buffer.from('1f8b080800000000000a', 'hex'),
    ...drip('n', 250, SLOW_MS)
  ],
  'a wait for 100 Continue that never ends': [
    request({ head: `${AUTHORIZATION}expect: 100-continue\r\n`, framing: 'content-length: 26\r\n', body: '' })
  ]
}

const refusedAndSlow = (what: string, path: string, status: number): HostileCase => ({
  what,
  path,
  steps: [headOnly(1_000_000, path), ...drip('x', 250, SLOW_MS)],
  gives: [status],
  isSlow: true
})

export const brokenCases: readonly HostileCase[] = [
  ...Object.entries(ABORTED).map(([what, steps]): HostileCase => ({ what, steps, gives: 'gone' })),
  ...Object.entries(HALF_CLOSED).map(([what, steps]): HostileCase => ({ what, steps, gives: 'closed' })),
  ...Object.entries(SLOW).map(([what, steps]): HostileCase => ({
    what,
    steps,
    gives: [408],
    code: 'request_timeout',
    isSlow: true
  })),
  refusedAndSlow('a slow body after a 404', '/nope', 404),
  refusedAndSlow('a slow body with a length that is too large', '/v1/batch', 400),
  { what: 'no bytes at all', steps: [], gives: 'closed', isSlow: true },
  {
    what: 'a body that is longer than its Content-Length: the rest is not a request',
    steps: [headOnly(10), EVENT],
    gives: [400, 400]
  },
  {
    what: 'a request in single bytes',
    steps: [...request()].flatMap(byte => [Buffer.of(byte), 1]),
    gives: [200]
  },
  {
    what: 'a request, then invalid bytes',
    steps: [request(), 'garbage\r\n\r\n'],
    gives: [200, 400]
  },
  {
    what: '20 requests at once are answered in order',
    steps: [Buffer.concat(Array.from({ length: 20 }, () => request()))],
    gives: Array.from({ length: 20 }, () => 200)
  },
  {
    what: 'a valid request, an invalid request, and a request after it that is not read',
    steps: [Buffer.concat([request(), request({ framing: 'content-length: x\r\n', body: '' }), request()])],
    gives: [200, 400]
  }
]
