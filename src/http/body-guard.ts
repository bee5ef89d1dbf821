import type { IncomingMessage } from 'node:http'
import * as zlib from 'node:zlib'
import type { Memory } from '../ingest/memory.ts'
import { NODE_MEMORY } from '../ingest/memory.ts'
import type { Fault } from '../model/reasons.ts'
import { fault } from '../model/reasons.ts'
import type { BodyBudget } from './body-budget.ts'
import type { Pace } from './body-pace.ts'
import { DEFAULT_PACE, watchPace } from './body-pace.ts'

export const ENCODINGS = ['identity', 'gzip', 'deflate', 'br', 'zstd'] as const
export type Encoding = (typeof ENCODINGS)[number]

/** What came of reading a body: `overloaded` where there is no room for it now, `request_timeout` where it dribbles. */
export type GuardedBody =
  | { readonly ok: true; readonly bytes: Buffer }
  | { readonly ok: false; readonly fault: Fault | GuardError }

const NOTHING: Buffer = Buffer.alloc(0)

type GuardError = 'overloaded' | 'request_timeout'

export interface GuardOptions {
  readonly encoding: Encoding
  /** Bytes, counted after inflating. */
  readonly limit: number
  /** What an operator sets it by, for the message. */
  readonly limitName: string
  /** Whoever gets a body gives its bytes back to this when they are done with it. */
  readonly budget: BodyBudget
  /** Where a large body lies, for its receiver to give back. Default: Node's. */
  readonly memory?: Memory | undefined
  /** Default: DEFAULT_PACE. */
  readonly pace?: Pace | undefined
}

/** What does not shrink grows when it is compressed: gzip's blocks and frame take less than 1/64 of it and 1 KB. */
const COMPRESSED_GROWTH = 1 / 64
const COMPRESSED_FRAME_BYTES = 1024

/** zstd frames may ask for windows of gigabytes; 8 MiB is what its highest ordinary level asks for (RFC 8878, 3.1.1.1.2). */
const ZSTD_WINDOW_LOG_MAX = 23

/** The encoding that a Content-Encoding header names; undefined where we cannot read it. */
export function parseEncoding(header: string | undefined): Encoding | undefined {
  const name = header?.trim().toLowerCase() ?? ''
  if (name === '' || name === 'identity') return 'identity'
  if (name === 'x-gzip') return 'gzip'
  return ENCODINGS.find(encoding => encoding === name)
}

/**
 * Reads a body as it streams in, counting its bytes and, where it is compressed, the inflated ones too. It stops at
 * the limit and calls `done` at once, however much is still to come.
 */
export function readBody(request: IncomingMessage, options: GuardOptions, done: (body: GuardedBody) => void): void {
  new BodyReader(request, options, done)
}

type Inflater = zlib.Gunzip | zlib.Inflate | zlib.InflateRaw | zlib.BrotliDecompress | zlib.ZstdDecompress

class BodyReader {
  readonly #request: IncomingMessage
  readonly #encoding: Encoding
  readonly #limit: number
  readonly #limitName: string
  readonly #wireLimit: number
  readonly #budget: BodyBudget
  readonly #done: (body: GuardedBody) => void
  readonly #body: Bytes
  #held = 0
  #wireBytes = 0
  #wireEnded = false
  #inflater: Inflater | undefined
  /** What came in while the inflater was at work: handed over in one piece, however small its chunks were. */
  #waiting = new Bytes(0, NODE_MEMORY)
  #inflating = false
  #stopWatch: (() => void) | undefined

  constructor(request: IncomingMessage, options: GuardOptions, done: (body: GuardedBody) => void) {
    const { encoding, limit, limitName, budget, memory = NODE_MEMORY } = options
    this.#request = request
    this.#encoding = encoding
    this.#limit = limit
    this.#limitName = limitName
    this.#budget = budget
    this.#wireLimit = encoding === 'identity' ? limit : limit + limit * COMPRESSED_GROWTH + COMPRESSED_FRAME_BYTES
    this.#done = done
    const declared = Number(request.headers['content-length'])
    this.#body = new Bytes(encoding === 'identity' && declared <= limit ? declared : 0, memory)
    if (declared > this.#wireLimit) this.#refuseSize()
    else {
      // What came with its head, as most bodies do, needs nobody to watch how fast it comes.
      if (declared !== request.readableLength) this.#watch(options.pace ?? DEFAULT_PACE)
      this.#listen()
    }
  }

  #watch(pace: Pace): void {
    const received = (): number => (this.#wireEnded ? Infinity : this.#wireBytes)
    this.#stopWatch = watchPace(pace, received, () => this.#refuse('request_timeout'))
  }

  #listen(): void {
    this.#request.on('data', this.#onWire)
    this.#request.on('end', this.#onWireEnd)
    this.#request.on('error', this.#onBroken)
    this.#request.on('close', this.#onBroken)
  }

  #onWire = (chunk: Buffer): void => {
    this.#wireBytes += chunk.length
    if (this.#wireBytes > this.#wireLimit) this.#refuseSize()
    else if (!this.#hold(chunk)) this.#refuse('overloaded')
    else if (this.#encoding === 'identity') this.#body.add(chunk)
    else {
      this.#waiting.add(chunk)
      if (!this.#inflating) this.#inflate()
    }
  }

  #inflate(): void {
    const bytes = this.#waiting.take()
    this.#inflater ??= this.#startInflater(bytes)
    this.#inflating = true
    this.#inflater.write(bytes, error => {
      if (error != null) return
      this.#inflating = false
      if (this.#waiting.length > 0) this.#inflate()
      else if (this.#wireEnded) this.#inflater?.end()
    })
  }

  #startInflater(first: Buffer): Inflater {
    const inflater = createInflater(this.#encoding, first)
    inflater.on('data', this.#onInflated)
    // It ends before the wire does, or without taking all, where more bytes stand behind the end of what it can read.
    inflater.on('end', () =>
      inflater.bytesWritten === this.#wireBytes ? this.#complete() : this.#refuse(fault('invalid_encoding'))
    )
    inflater.on('error', () => this.#refuse(fault('invalid_encoding')))
    return inflater
  }

  #onInflated = (chunk: Buffer): void => {
    if (this.#body.length + chunk.length > this.#limit) this.#refuseSize()
    else if (!this.#hold(chunk)) this.#refuse('overloaded')
    else this.#body.add(chunk)
  }

  #hold(chunk: Buffer): boolean {
    if (!this.#budget.take(chunk.length)) return false
    this.#held += chunk.length
    return true
  }

  #onWireEnd = (): void => {
    this.#wireEnded = true
    if (this.#inflater === undefined) this.#complete()
    else if (!this.#inflating) this.#inflater.end()
  }

  #complete(): void {
    this.#finish({ ok: true, bytes: this.#body.take() })
  }

  #onBroken = (): void => {
    if (!this.#request.complete) this.#refuse(fault('incomplete_body'))
  }

  #refuse(what: Fault | GuardError): void {
    this.#finish({ ok: false, fault: what })
  }

  #refuseSize(): void {
    const message = `the body is larger than ${this.#limit} bytes, counted after inflating (${this.#limitName})`
    this.#refuse(fault('payload_too_large', '', message))
  }

  #finish(body: GuardedBody): void {
    this.#stopWatch?.()
    this.#request.off('data', this.#onWire)
    this.#request.off('end', this.#onWireEnd)
    this.#request.off('close', this.#onBroken)
    this.#inflater?.off('data', this.#onInflated)
    this.#inflater?.destroy()
    this.#budget.giveBack(this.#held - (body.ok ? body.bytes.length : 0))
    this.#held = 0
    this.#done(body)
  }
}

/** What is said to come is made room for at once when so large a part of it is there, one in eight: Node reads 64 KB. */
const MAX_TRUST = 8

/** Bytes that come in pieces, kept as one: a list of a million tiny buffers weighs a hundred times what it holds. */
class Bytes {
  readonly #expected: number
  readonly #memory: Memory
  #bytes: Buffer = NOTHING
  #length = 0

  /** @param expected how many there will be, where somebody has said so */
  constructor(expected: number, memory: Memory) {
    this.#expected = expected
    this.#memory = memory
  }

  get length(): number {
    return this.#length
  }

  /** Keeps the first piece as it is, which is all of it most of the time. */
  add(piece: Buffer): void {
    const length = this.#length + piece.length
    if (this.#length === 0) this.#bytes = piece
    else {
      if (length > this.#bytes.length) this.#grow(length)
      piece.copy(this.#bytes, this.#length)
    }
    this.#length = length
  }

  /** All of it; afterwards there is nothing left. */
  take(): Buffer {
    const all = this.#bytes.subarray(0, this.#length)
    this.#bytes = NOTHING
    this.#length = 0
    return all
  }

  #grow(length: number): void {
    const isNear = length <= this.#expected && this.#expected <= length * MAX_TRUST
    const grown = this.#memory.take(isNear ? this.#expected : Math.max(length, this.#bytes.length * 2))
    this.#bytes.copy(grown, 0, 0, this.#length)
    this.#memory.giveBack(this.#bytes)
    this.#bytes = grown
  }
}

function createInflater(encoding: Encoding, first: Buffer): Inflater {
  switch (encoding) {
    case 'br':
      return zlib.createBrotliDecompress()
    case 'zstd':
      return zlib.createZstdDecompress({ params: { [zlib.constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX } })
    case 'deflate':
      // RFC 9110 means zlib's format, but some clients send bare deflate: the low half of zlib's first byte is 8.
      return ((first[0] as number) & 0x0f) === 8 ? zlib.createInflate() : zlib.createInflateRaw()
    default:
      return zlib.createGunzip()
  }
}
