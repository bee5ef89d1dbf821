import type { IncomingMessage } from 'node:http'
import type { BufferPool } from '../../ingest/enrich/buffer-pool.ts'
import { UNPOOLED_BUFFERS } from '../../ingest/enrich/buffer-pool.ts'
import type { Fault } from '../../model/reasons.ts'
import { fault } from '../../model/reasons.ts'
import type { BodyBudget } from './body-budget.ts'
import type { MinimumBodyRate } from './body-rate.ts'
import { DEFAULT_MINIMUM_RATE, watchBodyRate } from './body-rate.ts'
import type { Encoding, Inflater } from './encoding.ts'
import { createInflater, onWire } from './encoding.ts'
import { GrowingBytes } from './growing-bytes.ts'
import { inflateMembers } from './gzip-members.ts'
import { bytesAtOnce } from './whole-body.ts'

/** The result of reading a body: `overloaded` if the body budget is used up, `request_timeout` if it arrives too slowly. */
export type GuardedBody = { readonly ok: true; readonly bytes: Buffer } | UnreadBody

/** A body that was not read completely, or that is larger than its limit. */
export interface UnreadBody {
  readonly ok: false
  readonly fault: Fault | GuardError
  /** The bytes that were read; empty if the body is not kept. */
  readonly bytes: Buffer
  /** True if `bytes` is the whole body. */
  readonly isComplete: boolean
}

const NOTHING: Buffer = Buffer.alloc(0)

/** How long the rest of an oversized body is still read, so that the refused body can be kept. */
const KEEP_READ_MS = 1_000

/** The first byte of a JSON object. */
const OPEN_BRACE = 0x7b

type GuardError = 'overloaded' | 'request_timeout'

export interface GuardOptions {
  readonly encoding: Encoding
  /** Bytes, counted after inflating. */
  readonly limit: number
  /** The name of the setting for this limit, for the message. */
  readonly limitName: string
  /**
   * Set if refused bodies are kept: an oversized body is then read up to this many bytes, for at most a second, and the
   * bytes come with the refusal. Default: reading stops at the limit, and nothing is kept.
   */
  readonly keepBytes?: number | undefined
  /** The receiver of a body gives its bytes back to this budget when it has finished with the body. */
  readonly budget: BodyBudget
  /** The pool for large bodies; the receiver releases the buffer. Default: Node's allocator. */
  readonly bufferPool?: BufferPool | undefined
  /** Default: DEFAULT_MINIMUM_RATE. */
  readonly minimumRate?: MinimumBodyRate | undefined
}

/**
 * Reads a body while it arrives and counts its bytes, compressed and inflated. Reading stops at the limit, or at
 * `keepBytes`; `done` is then called at once, however much is still to come.
 */
export function readBody(request: IncomingMessage, options: GuardOptions, done: (body: GuardedBody) => void): void {
  const bytes = bytesAtOnce(request, options)
  if (bytes === undefined) new BodyReader(request, options, done)
  else done({ ok: true, bytes })
}

class BodyReader {
  readonly #request: IncomingMessage
  readonly #encoding: Encoding
  readonly #limit: number
  readonly #limitName: string
  readonly #wireLimit: number
  /** Where reading stops, in bytes: after inflating, and on the wire. */
  readonly #mostBytes: number
  readonly #mostWireBytes: number
  readonly #isKept: boolean
  readonly #budget: BodyBudget
  readonly #done: (body: GuardedBody) => void
  readonly #body: GrowingBytes
  #held = 0
  #wireBytes = 0
  #wireEnded = false
  #inflater: Inflater | undefined
  /** Bytes that arrived while the inflater was busy; the inflater gets them as one piece, however small the chunks were. */
  #waiting = new GrowingBytes(0, UNPOOLED_BUFFERS)
  #inflating = false
  /** The pieces that the inflater got, if they are to be kept. */
  readonly #wire: Buffer[] = []
  #stopWatch: (() => void) | undefined
  #readTimer: NodeJS.Timeout | undefined

  constructor(request: IncomingMessage, options: GuardOptions, done: (body: GuardedBody) => void) {
    const { encoding, limit, limitName, keepBytes, budget, bufferPool = UNPOOLED_BUFFERS } = options
    const most = Math.max(limit, keepBytes ?? 0)
    this.#request = request
    this.#encoding = encoding
    this.#limit = limit
    this.#limitName = limitName
    this.#budget = budget
    this.#isKept = keepBytes !== undefined
    this.#mostBytes = most
    this.#wireLimit = onWire(limit, encoding)
    this.#mostWireBytes = onWire(most, encoding)
    this.#done = done
    const declared = Number(request.headers['content-length'])
    this.#body = new GrowingBytes(encoding === 'identity' && declared <= most ? declared : 0, bufferPool)
    const isTooLarge = declared > this.#wireLimit
    if (isTooLarge && !this.#isKept) this.#refuseSize(false)
    else {
      if (isTooLarge) this.#limitReadTime()
      // A body that has arrived need not be watched.
      if (declared !== request.readableLength) this.#watch(options.minimumRate ?? DEFAULT_MINIMUM_RATE)
      this.#listen()
    }
  }

  #watch(minimumRate: MinimumBodyRate): void {
    const received = (): number => (this.#wireEnded ? Infinity : this.#wireBytes)
    this.#stopWatch = watchBodyRate(minimumRate, received, () => this.#refuse('request_timeout'))
  }

  #listen(): void {
    this.#request.on('data', this.#onWire)
    this.#request.on('end', this.#onWireEnd)
    this.#request.on('error', this.#onBroken)
    this.#request.on('close', this.#onBroken)
  }

  #onWire = (chunk: Buffer): void => {
    this.#wireBytes += chunk.length
    if (this.#wireBytes > this.#mostWireBytes) this.#stopAtLimit(this.#encoding === 'identity' ? chunk : NOTHING)
    else if (!this.#hold(chunk)) this.#refuse('overloaded')
    else {
      if (this.#wireBytes > this.#wireLimit) this.#limitReadTime()
      if (this.#encoding === 'identity') this.#body.add(chunk)
      else {
        this.#waiting.add(chunk)
        if (!this.#inflating) this.#inflate()
      }
    }
  }

  /** The body is too large already: it is read for a short time only. */
  #limitReadTime(): void {
    this.#readTimer ??= setTimeout(() => this.#refuseSize(false), KEEP_READ_MS).unref()
  }

  #inflate(): void {
    const bytes = this.#waiting.take()
    this.#inflater ??= this.#startInflater(bytes)
    this.#inflating = true
    if (this.#isKept) this.#wire.push(bytes)
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
    // The inflater ends early if more bytes follow the end of the compressed stream.
    inflater.on('end', () => (inflater.bytesWritten === this.#wireBytes ? this.#complete() : this.#refuseEncoding()))
    inflater.on('error', () => this.#refuseEncoding())
    return inflater
  }

  #onInflated = (chunk: Buffer): void => {
    if (this.#body.length + chunk.length > this.#mostBytes) this.#stopAtLimit(chunk)
    else if (!this.#hold(chunk)) this.#refuse('overloaded')
    else {
      this.#body.add(chunk)
      if (this.#body.length > this.#limit) this.#limitReadTime()
    }
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
    if (this.#body.length > this.#limit || this.#wireBytes > this.#wireLimit) this.#refuseSize(true)
    else this.#finish({ ok: true, bytes: this.#body.take() })
  }

  #onBroken = (): void => {
    if (!this.#request.complete) this.#refuse(fault('incomplete_body'))
  }

  /** @param chunk the chunk that exceeds the limit; the part that fits is kept */
  #stopAtLimit(chunk: Buffer): void {
    if (this.#isKept) this.#body.add(chunk.subarray(0, this.#mostBytes - this.#body.length))
    this.#refuseSize(false)
  }

  #refuseSize(isComplete: boolean): void {
    const message = `the body is larger than ${this.#limit} bytes, counted after inflating (${this.#limitName})`
    this.#refuse(fault('payload_too_large', '', message), isComplete)
  }

  /** Keeps a body that is labelled as compressed but is plain JSON as it arrived, and of other bodies the inflated part. */
  #refuseEncoding(): void {
    const wire = Buffer.concat(this.#wire)
    const isPlain = this.#body.length === 0 && wire[0] === OPEN_BRACE
    if (isPlain) this.#body.add(wire.subarray(0, this.#mostBytes))
    else if (this.#encoding === 'gzip') this.#addRest(inflateMembers(wire, this.#mostBytes))
    this.#refuse(fault('invalid_encoding'), isPlain && this.#wireEnded && wire.length === this.#wireBytes)
  }

  /** @param whole begins with the bytes that the body has already */
  #addRest(whole: Buffer): void {
    const rest = whole.subarray(this.#body.length)
    if (rest.length > 0 && this.#hold(rest)) this.#body.add(rest)
  }

  #refuse(what: Fault | GuardError, isComplete = false): void {
    const isKept = this.#isKept && typeof what !== 'string'
    this.#finish({ ok: false, fault: what, bytes: isKept ? this.#body.take() : NOTHING, isComplete })
  }

  #finish(body: GuardedBody): void {
    this.#stopWatch?.()
    clearTimeout(this.#readTimer)
    this.#request.off('data', this.#onWire)
    this.#request.off('end', this.#onWireEnd)
    this.#request.off('close', this.#onBroken)
    this.#inflater?.off('data', this.#onInflated)
    this.#inflater?.destroy()
    this.#budget.release(this.#held - body.bytes.length)
    this.#held = 0
    this.#done(body)
  }
}
