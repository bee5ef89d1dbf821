import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import type { HostileCase } from './case.ts'
import { AUTHORIZATION, chunk, EVENT, request } from './case.ts'

const MEGABYTES = 100
const blanks = Buffer.alloc(MEGABYTES * 1024 * 1024, ' ')

const COMPRESS: Readonly<Record<string, (bytes: Buffer | string) => Buffer>> = {
  gzip: gzipSync,
  deflate: deflateSync,
  br: bytes => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }),
  zstd: zstdCompressSync
}

function encoded(encoding: string, body: Buffer, path = '/v1/track'): Buffer {
  return request({ path, head: `${AUTHORIZATION}content-encoding: ${encoding}\r\n`, body })
}

const refused = (what: string, encoding: string, body: Buffer): HostileCase => ({
  what,
  steps: [encoded(encoding, body)],
  gives: [400],
  code: 'invalid_encoding'
})

/** A gzip header with an extra field of `bytes` bytes, which a reader skips. */
function gzipWithName(bytes: number): Buffer {
  return Buffer.concat([
    Buffer.from('1f8b080800000000000a', 'hex'),
    Buffer.alloc(bytes, 'n'),
    Buffer.of(0),
    gzipSync(EVENT).subarray(10)
  ])
}

const bombs = Object.entries(COMPRESS).flatMap(([encoding, compress]): HostileCase[] => {
  const bomb = compress(blanks)
  const tooLarge = { gives: [400], code: 'payload_too_large' } as const
  return [
    { what: `a bomb of ${MEGABYTES} MB, ${encoding}`, steps: [encoded(encoding, bomb)], ...tooLarge },
    {
      what: `a bomb of ${MEGABYTES} MB in a batch, ${encoding}`,
      path: '/v1/batch',
      steps: [encoded(encoding, bomb, '/v1/batch')],
      ...tooLarge
    },
    {
      what: `a bomb in chunks of 7 bytes, ${encoding}`,
      steps: [
        request({
          head: `${AUTHORIZATION}content-encoding: ${encoding}\r\n`,
          framing: 'transfer-encoding: chunked\r\n',
          body: inChunks(compress(blanks.subarray(0, 4 * 1024 * 1024)), 7)
        })
      ],
      ...tooLarge
    }
  ]
})

function inChunks(bytes: Buffer, size: number): Buffer {
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; at += size) pieces.push(chunk(bytes.subarray(at, at + size)))
  return Buffer.concat([...pieces, Buffer.from('0\r\n\r\n')])
}

const broken = Object.entries(COMPRESS).flatMap(([encoding, compress]): HostileCase[] => {
  const good = compress(EVENT)
  const cuts = [1, 2, 5, Math.floor(good.length / 2), good.length - 1]
  const flipped = Buffer.from(good)
  flipped[flipped.length >> 1]! ^= 0xff
  const trailing = ['gzip', 'zstd'].includes(encoding) ? [] : [Buffer.concat([good, good])]
  return [
    ...cuts.map(cut => refused(`${encoding} cut after ${cut} bytes`, encoding, good.subarray(0, cut))),
    ...trailing.map(body => refused(`${encoding} twice in a row`, encoding, body)),
    refused(`${encoding} with bytes behind its end`, encoding, Buffer.concat([good, Buffer.from('garbage')])),
    refused(`${encoding} that is plain JSON`, encoding, Buffer.from(EVENT)),
    {
      what: `${encoding} with one bad byte`,
      steps: [encoded(encoding, flipped)],
      gives: [400]
    },
    {
      what: `${encoding} inside ${encoding}`,
      steps: [encoded(encoding, compress(good))],
      gives: [400]
    },
    {
      what: `${encoding} of an empty body`,
      steps: [encoded(encoding, compress(''))],
      gives: [400],
      code: 'invalid_json'
    },
    {
      what: `an empty body with Content-Encoding: ${encoding}`,
      steps: [encoded(encoding, Buffer.alloc(0))],
      gives: [400],
      code: 'invalid_json'
    },
    {
      what: `${encoding} whose Content-Length is one too small`,
      steps: [
        request({
          head: `${AUTHORIZATION}content-encoding: ${encoding}\r\n`,
          framing: `content-length: ${good.length - 1}\r\n`,
          body: good.subarray(0, -1)
        })
      ],
      gives: [400],
      code: 'invalid_encoding'
    }
  ]
})

/** Names that the server does not support, or that name two encodings at once. */
const UNSUPPORTED = [
  'gzip, gzip',
  'gzip,deflate',
  'gzip, identity',
  'identity, gzip',
  'gzip;q=1.0',
  'compress',
  'lzma',
  'exi',
  'aes128gcm',
  'dcb',
  '*',
  ',',
  'g zip',
  'gzip\t;',
  '__proto__',
  'x'.repeat(20_000)
]

export const encodingCases: readonly HostileCase[] = [
  ...bombs,
  ...broken,
  ...UNSUPPORTED.map((name): HostileCase => ({
    what: `Content-Encoding: ${name.slice(0, 30)}`,
    steps: [encoded(name, gzipSync(EVENT))],
    gives: [415],
    code: 'encoding_unsupported'
  })),
  {
    what: 'gzip in two members is one body',
    steps: [encoded('gzip', Buffer.concat([gzipSync(EVENT.slice(0, 9)), gzipSync(EVENT.slice(9))]))],
    gives: [200]
  },
  {
    what: 'gzip in 1,000 empty members and one',
    steps: [encoded('gzip', Buffer.concat([...Array.from({ length: 1_000 }, () => gzipSync('')), gzipSync(EVENT)]))],
    gives: [200]
  },
  { what: 'gzip with a name of 30 KB', steps: [encoded('gzip', gzipWithName(30_000))], gives: [200] },
  {
    what: 'gzip with a name that never ends',
    steps: [encoded('gzip', gzipWithName(200_000))],
    gives: [400],
    code: 'payload_too_large'
  },
  { what: 'deflate without a zlib header', steps: [encoded('deflate', deflateRawSync(EVENT))], gives: [200] },
  refused('zlib with a preset dictionary', 'deflate', deflateSync(EVENT, { dictionary: Buffer.from('userId') })),
  refused('zstd with a window of 1 GiB', 'zstd', Buffer.from('28b52ffd00a0010000', 'hex')),
  refused('a skippable zstd frame of 4 GB alone', 'zstd', Buffer.from('502a4d18ffffffff', 'hex')),
  refused('brotli with a window of 1 GiB', 'br', Buffer.from('911e0000', 'hex')),
  refused('a ZIP archive with Content-Encoding: gzip', 'gzip', Buffer.from('504b0304140000000800', 'hex')),
  {
    what: 'gzip without Content-Encoding',
    steps: [request({ body: gzipSync(EVENT) })],
    gives: [400],
    code: 'invalid_utf8'
  },
  {
    what: 'two Content-Encoding headers',
    steps: [
      request({ head: `${AUTHORIZATION}content-encoding: gzip\r\ncontent-encoding: gzip\r\n`, body: gzipSync(EVENT) })
    ],
    gives: [[200, 415]]
  },
  {
    what: 'a charset of 20 KB',
    steps: [request({ head: `${AUTHORIZATION}content-type: application/json;charset=${'u'.repeat(20_000)}\r\n` })],
    gives: [415],
    code: 'charset_unsupported'
  },
  {
    what: 'a content type with 10,000 semicolons',
    steps: [request({ head: `${AUTHORIZATION}content-type: ${';'.repeat(10_000)}charset\r\n` })],
    gives: [200]
  },
  {
    what: 'a content type with 20,000 blanks before an equals sign',
    steps: [request({ head: `${AUTHORIZATION}content-type: a;charset${' '.repeat(20_000)}=utf-8\r\n` })],
    gives: [200]
  }
]
