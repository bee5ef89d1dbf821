import { gzipSync } from 'node:zlib'
import type { Sample } from './samples.ts'

/** Numbers in [0, 1) that depend on the seed only (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A recorded request as it is sent, with its body changed by `change` before it is framed. */
export function wireBytes(sample: Sample, change: (body: Buffer) => Buffer = body => body): Buffer {
  const { method, url, headers, body = '' } = sample
  const payload = change(headers['content-encoding'] === 'gzip' ? gzipSync(body) : Buffer.from(body))
  const isChunked = headers['transfer-encoding'] === 'chunked'
  const lines = Object.entries({ ...headers, ...(isChunked ? {} : { 'content-length': `${payload.length}` }) })
  const head = `${method} ${url} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`
  const size = Buffer.from(`${payload.length.toString(16)}\r\n`)
  const chunks = payload.length === 0 ? [] : [size, payload, Buffer.from('\r\n')]
  const framed = isChunked ? [...chunks, Buffer.from('0\r\n\r\n')] : [payload]
  return Buffer.concat([Buffer.from(head, 'latin1'), ...framed])
}

/** Texts that have caused trouble in parsers before. */
const TOKENS: readonly Buffer[] = [
  ...['\r\n', '\n', '\r', '\r\n\r\n', '0\r\n\r\n', '\0', ' ', '\t', ':', ',', ';', '%', '%00', '%', '/', '?', '#'],
  ...['"', '\\', '\\u', '\\ud800', '{', '}', '[', ']', '[[[[[[[[[[', '{"a":{"a":{"a":', 'null', 'NaN', '-0', '1e400'],
  ...['__proto__', '"__proto__":{},', 'constructor', '"batch":[', '"writeKey":"', 'wk_test', '"userId":"u",'],
  ...[
    'HTTP/1.1',
    'HTTP/1.0',
    'POST /v1/batch HTTP/1.1\r\n',
    'transfer-encoding: chunked\r\n',
    'expect: 100-continue\r\n'
  ],
  ...['content-length: 0\r\n', 'content-length: 99999\r\n', 'content-encoding: gzip\r\n', 'content-encoding: zstd\r\n'],
  ...['connection: close\r\n', 'upgrade: h2c\r\n', '99999999999999999999', '-1', '0x10', 'ffffffff']
].map(text => Buffer.from(text, 'latin1'))
const BYTES: readonly Buffer[] = [
  Buffer.of(0xff),
  Buffer.of(0xc0, 0xaf),
  Buffer.of(0xed, 0xa0, 0x80),
  Buffer.of(0xef, 0xbb, 0xbf),
  Buffer.of(0x1f, 0x8b),
  Buffer.alloc(3_000, 'a'),
  Buffer.alloc(2_000, '[')
]
const PIECES = [...TOKENS, ...BYTES]

/**
 * Changes a request in one to eight places: bits, bytes, and pieces that are inserted, removed, doubled, or taken from
 * `other`.
 */
export function mutate(bytes: Buffer, other: Buffer, random: () => number): Buffer {
  const upTo = (limit: number): number => Math.floor(random() * limit)
  const changes = 1 + upTo(8)
  let mutated = Buffer.from(bytes)
  for (let i = 0; i < changes; i++) {
    // Half of all changes are in the head, although it has less than half of the bytes.
    const headEnd = Math.max(1, mutated.indexOf('\r\n\r\n'))
    const at = upTo(random() < 0.5 ? Math.min(headEnd, mutated.length) : mutated.length)
    const to = Math.min(mutated.length, at + 1 + upTo(random() < 0.8 ? 8 : 400))
    mutated = change(mutated, { at, to, kind: upTo(7), random, other })
  }
  return mutated
}

interface Change {
  readonly at: number
  readonly to: number
  readonly kind: number
  readonly random: () => number
  readonly other: Buffer
}

function change(bytes: Buffer, { at, to, kind, random, other }: Change): Buffer<ArrayBuffer> {
  const before = bytes.subarray(0, at)
  const range = bytes.subarray(at, to)
  const after = bytes.subarray(to)
  const piece = PIECES[Math.floor(random() * PIECES.length)] as Buffer
  switch (kind) {
    case 0:
      return Buffer.concat([before, range.map(byte => byte ^ (1 << Math.floor(random() * 8))), after])
    case 1:
      return Buffer.concat([before, Buffer.of(Math.floor(random() * 256)), bytes.subarray(at + 1)])
    case 2:
      return Buffer.concat([before, piece, range, after])
    case 3:
      return Buffer.concat([before, piece, after])
    case 4:
      return Buffer.concat([before, after])
    case 5:
      return Buffer.concat([before, range, range, after])
    default: {
      const from = Math.floor(random() * other.length)
      return Buffer.concat([before, other.subarray(from, from + to - at), after])
    }
  }
}
