import type { HostileCase } from './case.ts'
import { AUTHORIZATION, chunk, chunkedRequest, EVENT, request } from './case.ts'

const length = `content-length: ${EVENT.length}\r\n`
const chunks = Buffer.concat([chunk(EVENT), Buffer.from('0\r\n\r\n')])

/** Requests that RFC 9112 allows a server to refuse, and ambiguous ones: 400, and the connection is closed. */
const BAD_HEADS: Readonly<Record<string, Buffer>> = {
  'a length with a blank inside': request({ framing: 'content-length: 2 6\r\n' }),
  'a length with an underscore': request({ framing: 'content-length: 2_6\r\n' }),
  'a length with a decimal point': request({ framing: 'content-length: 26.0\r\n' }),
  'a length with an exponent': request({ framing: 'content-length: 26e0\r\n' }),
  'a length in full-width digits': request({ framing: 'content-length: \xef\xbc\x92\xef\xbc\x96\r\n' }),
  'a length of NaN': request({ framing: 'content-length: NaN\r\n' }),
  'a length that is cut by a vertical tab': request({ framing: 'content-length: 26\x0b\r\n' }),
  'a length of 2^64 + 26': request({ framing: 'content-length: 18446744073709551642\r\n' }),
  'a length and an empty one': request({ framing: `${length}content-length:\r\n` }),
  'two lengths in two spellings': request({ framing: `Content-Length: 26\r\nCONTENT-LENGTH: 0\r\n` }),
  'two codings, chunked twice': request({ framing: 'transfer-encoding: chunked, chunked\r\n', body: chunks }),
  'chunked twice in two headers': request({
    framing: 'transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n',
    body: chunks
  }),
  'chunked and a vertical tab': request({ framing: 'transfer-encoding: chunked\x0b\r\n', body: chunks }),
  'chunked after a NUL': request({ framing: 'transfer-encoding: \0chunked\r\n', body: chunks }),
  'chunked in quotes': request({ framing: 'transfer-encoding: "chunked"\r\n', body: chunks }),
  'chunked with a parameter': request({ framing: 'transfer-encoding: chunked;q=1\r\n', body: chunks }),
  'gzip as the only coding': request({ framing: 'transfer-encoding: gzip\r\n', body: chunks }),
  'identity as the only coding': request({ framing: 'transfer-encoding: identity\r\n', body: EVENT }),
  'chunked and a second coding after it': request({
    framing: 'transfer-encoding: chunked\r\ntransfer-encoding: gzip\r\n',
    body: chunks
  }),
  'a coding and a length in one line, with a bare CR': request({
    framing: `transfer-encoding: chunked\rcontent-length: 26\r\n`,
    body: chunks
  }),
  'a header name with a blank': request({ head: `${AUTHORIZATION}bad name: x\r\n` }),
  'a header name with a tab before the colon': request({ head: `${AUTHORIZATION}name\t: x\r\n` }),
  'a header name in UTF-8': request({ head: `${AUTHORIZATION}n\xc3\xa4me: x\r\n` }),
  'a header name in brackets': request({ head: `${AUTHORIZATION}[name]: x\r\n` }),
  'a header without a name': request({ head: `${AUTHORIZATION}: x\r\n` }),
  'a header line without a colon': request({ head: `${AUTHORIZATION}nonsense\r\n` }),
  'a header value with a NUL': request({ head: `${AUTHORIZATION}x: a\0b\r\n` }),
  'a header value with a bell': request({ head: `${AUTHORIZATION}x: a\x07b\r\n` }),
  'a header value with DEL': request({ head: `${AUTHORIZATION}x: a\x7fb\r\n` }),
  'a bare line feed between two headers': request({ head: `${AUTHORIZATION}x: a\ny: b\r\n` }),
  'a folded header with a tab': request({ head: `${AUTHORIZATION}x: a\r\n\tb\r\n` }),
  'a first header that is folded': request({ host: ' host: test\r\n' }),
  'the version in lower case': request({ version: 'http/1.1' }),
  'version 1.2': request({ version: 'HTTP/1.2' }),
  'version 0.9': request({ version: 'HTTP/0.9' }),
  'version 2.0': request({ version: 'HTTP/2.0' }),
  'version 1': request({ version: 'HTTP/1' }),
  'version 01.1': request({ version: 'HTTP/01.1' }),
  'version 1.10': request({ version: 'HTTP/1.10' }),
  'a version of another protocol': request({ version: 'ICY/1.1' }),
  'a blank after the version': request({ version: 'HTTP/1.1 ' }),
  'a tab instead of the blank': Buffer.from(`POST\t/v1/track\tHTTP/1.1\r\nhost: x\r\n\r\n`),
  'a NUL in the target': request({ path: '/v1/track\0' }),
  'a bell in the target': request({ path: '/v1/track\x07' }),
  'a target without a slash': request({ path: 'v1/track' }),
  'no target': Buffer.from('POST HTTP/1.1\r\nhost: x\r\n\r\n'),
  'no host': request({ host: '' }),
  'two hosts': request({ host: 'host: a\r\nhost: b\r\n' }),
  'a host that is not valid': request({ host: 'host: a b\r\n' }),
  'gzip before chunked': request({ framing: 'transfer-encoding: gzip, chunked\r\n', body: chunks }),
  'an unknown coding before chunked': request({
    framing: 'transfer-encoding: x, chunked\r\n',
    body: chunks
  }),
  'chunked in version 1.0': request({
    version: 'HTTP/1.0',
    framing: 'transfer-encoding: chunked\r\n',
    body: chunks
  }),
  'RTSP with a method of HTTP': request({ version: 'RTSP/1.0' }),
  'RTSP with a method of its own': Buffer.from('ANNOUNCE /x RTSP/1.0\r\ncseq: 1\r\n\r\n'),
  ICE: Buffer.from('SOURCE /x ICE/1.0\r\n\r\n'),
  'a blank before the request': Buffer.concat([Buffer.from(' '), request()]),
  'a line that is only a version': Buffer.from('HTTP/1.1\r\n\r\n'),
  'an answer instead of a request': Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'),
  CONNECT: Buffer.from('CONNECT 127.0.0.1:80 HTTP/1.1\r\nhost: x\r\n\r\n'),
  SOCKS: Buffer.of(5, 1, 0, 13, 10),
  TLS: Buffer.from('16030100a5010000a10303', 'hex'),
  SSH: Buffer.from('SSH-2.0-OpenSSH_9.0\r\n'),
  memcached: Buffer.from('stats\r\n'),
  Redis: Buffer.from('*1\r\n$4\r\nPING\r\n'),
  SMTP: Buffer.from('EHLO x\r\n'),
  zeroes: Buffer.alloc(1_000),
  'all bytes': Buffer.from(Array.from({ length: 256 }, (_, i) => i))
}

const BAD_CHUNKS: Readonly<Record<string, string | Buffer>> = {
  'a size that begins with 0x': `0x1a\r\n${EVENT}\r\n0\r\n\r\n`,
  'a size with a minus': `-1a\r\n${EVENT}\r\n0\r\n\r\n`,
  'an empty size': `\r\n${EVENT}\r\n0\r\n\r\n`,
  'a size after a blank': ` 1a\r\n${EVENT}\r\n0\r\n\r\n`,
  'a size with a dot': `1a.0\r\n${EVENT}\r\n0\r\n\r\n`,
  'a size in full-width digits': `\xef\xbc\x91a\r\n${EVENT}\r\n0\r\n\r\n`,
  'a size of 17 digits': `100000000000000000\r\n${EVENT}\r\n0\r\n\r\n`,
  'data without its line break': `1a\r\n${EVENT}0\r\n\r\n`,
  'data with a bare line feed after it': `1a\r\n${EVENT}\n0\r\n\r\n`,
  'a bare line feed in an extension': `1a;x\n${EVENT}\r\n0\r\n\r\n`,
  'a bare carriage return after the size': `1a\r${EVENT}\r\n0\r\n\r\n`,
  'a trailer with Content-Length': `1a\r\n${EVENT}\r\n0\r\ncontent-length: 5\r\n\r\n`,
  'a trailer with Transfer-Encoding': `1a\r\n${EVENT}\r\n0\r\ntransfer-encoding: gzip\r\n\r\n`,
  'a trailer that is not a header': `1a\r\n${EVENT}\r\n0\r\nnonsense\r\n\r\n`,
  'a last chunk with a bare line feed': `1a\r\n${EVENT}\r\n0\n\n`
}

/** Unusual but allowed: accepted unchanged. */
const ODD_BUT_GOOD: Readonly<Record<string, Buffer>> = {
  'a length with leading zeros': request({ framing: 'content-length: 0000000026\r\n' }),
  'a length with blanks around it': request({ framing: 'content-length:  \t26 \t\r\n' }),
  'a size with leading zeros': chunkedRequest(`0000001a\r\n${EVENT}\r\n000\r\n\r\n`),
  'a size in upper case': chunkedRequest(`1A\r\n${EVENT}\r\n0\r\n\r\n`),
  'a chunk extension': chunkedRequest(`1a;name=value;q="v"\r\n${EVENT}\r\n0;x\r\n\r\n`),
  'a body in chunks of one byte': chunkedRequest(
    Buffer.concat([...Buffer.from(EVENT)].map(byte => chunk(Buffer.of(byte))).concat(Buffer.from('0\r\n\r\n')))
  ),
  'trailers with another key': chunkedRequest(`1a\r\n${EVENT}\r\n0\r\nauthorization: none\r\n\r\n`),
  'CHUNKED in capitals': request({ framing: 'Transfer-Encoding: CHUNKED\r\n', body: chunks }),
  'an absolute target': request({ path: 'http://other.example/v1/track' }),
  'line breaks before the request': Buffer.concat([Buffer.from('\r\n\r\n\r\n'), request()]),
  'Connection with Content-Length': request({ head: `${AUTHORIZATION}connection: content-length\r\n` }),
  'Connection with Authorization': request({ head: `${AUTHORIZATION}connection: authorization\r\n` }),
  'Keep-Alive of a century': request({ head: `${AUTHORIZATION}keep-alive: timeout=3153600000\r\n` }),
  'Upgrade to h2c': request({
    head: `${AUTHORIZATION}connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AA\r\n`
  }),
  'Upgrade to websocket': request({ head: `${AUTHORIZATION}connection: upgrade\r\nupgrade: websocket\r\n` }),
  'an unknown expectation': request({ head: `${AUTHORIZATION}expect: 200-maybe\r\n` }),
  'Expect: 100-continue': request({ head: `${AUTHORIZATION}expect: 100-continue\r\n` }),
  'a header without a value': request({ head: `${AUTHORIZATION}x:\r\n` }),
  'a header in Latin 1': request({ head: `${AUTHORIZATION}x: \xe9\xff\r\n` }),
  '400 headers': request({ head: AUTHORIZATION + Array.from({ length: 400 }, (_, i) => `x${i}: y\r\n`).join('') }),
  'one header 900 times': request({ head: AUTHORIZATION + 'x: y\r\n'.repeat(900) }),
  'headers named as properties of every object': request({
    head: `${AUTHORIZATION}__proto__: x\r\nconstructor: y\r\nhasownproperty: z\r\n`
  }),
  'X-Forwarded-For of a client that is not trusted': request({
    head: `${AUTHORIZATION}x-forwarded-for: a\0`.replace('\0', ',b\r\n')
  }),
  'an empty host': request({ host: 'host:\r\n' }),
  'a host of 10 KB': request({ host: `host: ${'x'.repeat(10_000)}\r\n` }),
  'X-HTTP-Method-Override': request({ head: `${AUTHORIZATION}x-http-method-override: DELETE\r\n` }),
  Range: request({ head: `${AUTHORIZATION}range: bytes=0-,0-,0-\r\n` }),
  'If-Match': request({ head: `${AUTHORIZATION}if-match: *\r\n` })
}

const CLOSING: Readonly<Record<string, Buffer>> = {
  'HTTP/1.0': request({ version: 'HTTP/1.0', host: '' }),
  'HTTP/1.0 with keep-alive': request({ version: 'HTTP/1.0', head: `${AUTHORIZATION}connection: keep-alive\r\n` }),
  'Connection: close': request({ head: `${AUTHORIZATION}connection: close\r\n` }),
  'Connection: close, keep-alive': request({ head: `${AUTHORIZATION}connection: close, keep-alive\r\n` })
}

export const framingCases: readonly HostileCase[] = [
  ...Object.entries(BAD_HEADS).map(([what, bytes]): HostileCase => ({
    what: `head: ${what}`,
    steps: [bytes],
    gives: [400],
    code: 'bad_request'
  })),
  ...Object.entries(BAD_CHUNKS).map(([what, body]): HostileCase => ({
    what: `chunks: ${what}`,
    steps: [chunkedRequest(body)],
    gives: [400],
    code: 'bad_request'
  })),
  ...Object.entries(ODD_BUT_GOOD).map(([what, bytes]): HostileCase => ({
    what: `odd: ${what}`,
    steps: [bytes],
    gives: [200]
  })),
  ...Object.entries(CLOSING).map(([what, bytes]): HostileCase => ({
    what: `closing: ${what}`,
    steps: [bytes],
    gives: [200]
  })),
  {
    what: 'a length that is shorter than the body: the rest is not a request',
    steps: [request({ framing: 'content-length: 24\r\n' })],
    gives: [400, 400],
    code: 'bad_request'
  },
  {
    what: 'headers of 33 KB',
    steps: [request({ head: `${AUTHORIZATION}x: ${'x'.repeat(33_000)}\r\n` })],
    gives: [431],
    code: 'headers_too_large'
  },
  {
    what: 'a header name of 33 KB',
    steps: [request({ head: `${AUTHORIZATION}${'x'.repeat(33_000)}: y\r\n` })],
    gives: [431],
    code: 'headers_too_large'
  },
  {
    what: '1,001 very short headers',
    steps: [request({ head: AUTHORIZATION + 'x: y\r\n'.repeat(1_000) })],
    gives: [431],
    code: 'headers_too_large'
  },
  {
    what: '10,000 headers',
    steps: [request({ head: AUTHORIZATION + 'xx: y\r\n'.repeat(10_000) })],
    gives: [431],
    code: 'headers_too_large'
  },
  {
    what: 'trailers of 40 KB',
    steps: [chunkedRequest(`1a\r\n${EVENT}\r\n0\r\nx: ${'x'.repeat(40_000)}\r\n\r\n`)],
    gives: [431],
    code: 'headers_too_large'
  },
  {
    what: 'chunk extensions of 20 KB',
    steps: [chunkedRequest(`1a;${'x'.repeat(20_000)}\r\n${EVENT}\r\n0\r\n\r\n`)],
    gives: [431],
    code: 'headers_too_large'
  }
]
