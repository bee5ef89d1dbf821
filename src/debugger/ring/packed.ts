import { EVENT_TYPES } from '../../model/event-types.ts'
import type { EventType } from '../../model/event-types.ts'
import { OUTCOMES } from '../../model/outcome.ts'
import type { Outcome } from '../../model/outcome.ts'
import type { EventReport, RequestReport } from '../../model/report.ts'

/**
 * A request as bytes: 16 words of head, the marks of its receipt, 7 words for each event, then the body, the published
 * lines, the client's address and the messageIds. A word has 32 bits; times and marks are 64-bit floats.
 */
const HEAD_WORDS = 16
const FIRST_FLOAT_WORD = 8
const EVENT_WORDS = 7
const FLOAT_WORDS = 2
const WORD_BYTES = 4
/** One UTF-16 unit of a string takes at most three bytes in UTF-8. */
const MAX_BYTES_PER_UNIT = 3

const TYPES: readonly (EventType | 'unknown')[] = ['unknown', ...EVENT_TYPES]
const ENDPOINTS: readonly RequestReport['endpoint'][] = ['batch', ...EVENT_TYPES]
const KINDS = [undefined, 'event', 'rejected'] as const
const TYPE_CODES = codesOf(TYPES)
const OUTCOME_CODES = codesOf(OUTCOMES)

function codesOf<T extends string>(names: readonly T[]): Record<T, number> {
  return Object.fromEntries(names.map((name, code) => [name, code])) as Record<T, number>
}

/** What was published for an event: an `event` or a `rejected` record; undefined: nothing. */
export type PublishedKind = (typeof KINDS)[number]

export interface UnpackedEvent {
  readonly outcome: Outcome
  readonly type: EventType | 'unknown'
  readonly messageId: string
  /** The record's index in the receipt; -1 without a record. */
  readonly place: number
  readonly kind: PublishedKind
  /** The event as it was received. */
  readonly received: Buffer
  /** The published line without its line feed. */
  readonly published: Buffer | undefined
}

export interface UnpackedRequest {
  readonly endpoint: RequestReport['endpoint']
  readonly address: string
  readonly receivedAt: number
  readonly timings: RequestReport['timings']
}

/** One block of memory for packed requests, at offsets that are multiples of 8. */
export class PackedRequests {
  readonly #bytes: Buffer
  readonly #words: Int32Array
  readonly #floats: Float64Array

  /** @param capacity in bytes; the system allocates memory only when it is first written */
  constructor(capacity: number) {
    const memory = new ArrayBuffer(capacity & ~7)
    this.#bytes = Buffer.from(memory)
    this.#words = new Int32Array(memory)
    this.#floats = new Float64Array(memory)
  }

  get capacity(): number {
    return this.#bytes.length
  }

  /** An upper bound of the bytes that a report takes. */
  static maxBytesOf({ body, address, events, receipt }: RequestReport): number {
    const marks = receipt?.marks.length ?? 0
    let bytes = (HEAD_WORDS + marks * FLOAT_WORDS + events.length * EVENT_WORDS) * WORD_BYTES + body.length
    for (const { idStart, idEnd, lineStart, lineEnd } of events) bytes += idEnd - idStart + lineEnd - lineStart
    return padded(bytes + address.length * MAX_BYTES_PER_UNIT)
  }

  /** Writes a report at `offset`, where maxBytesOf() bytes must be free. Returns the bytes that it took. */
  pack(report: RequestReport, offset: number): number {
    const { events, body, timings } = report
    const marks = report.receipt?.marks ?? []
    const words = this.#words
    const head = offset / WORD_BYTES
    const firstEvent = head + HEAD_WORDS + marks.length * FLOAT_WORDS
    const bodyAt = (firstEvent + events.length * EVENT_WORDS) * WORD_BYTES
    const linesAt = bodyAt + body.copy(this.#bytes, bodyAt)
    const addressAt = linesAt + this.#packLines(report, linesAt)
    let at = addressAt + this.#bytes.write(report.address, addressAt)
    words[head] = events.length
    words[head + 1] = ENDPOINTS.indexOf(report.endpoint)
    words[head + 2] = bodyAt
    words[head + 3] = linesAt
    words[head + 4] = addressAt
    words[head + 5] = at
    words[head + 6] = marks.length
    const float = (head + FIRST_FLOAT_WORD) / FLOAT_WORDS
    this.#floats[float] = report.receivedAt
    this.#floats[float + 1] = timings.judgeMs
    this.#floats[float + 2] = timings.encodeMs
    this.#floats[float + 3] = timings.publishMs
    const mark = (head + HEAD_WORDS) / FLOAT_WORDS
    for (let i = 0; i < marks.length; i++) this.#floats[mark + i] = marks[i] as number
    let word = firstEvent
    let line = linesAt
    for (const event of events) {
      const { outcome, type, start, end, place } = event
      at = this.#packId(event, at)
      const kind = place < 0 ? 0 : event.kind === 'event' ? 1 : 2
      words[word] = OUTCOME_CODES[outcome] | (TYPE_CODES[type] << 8) | (kind << 16)
      words[word + 1] = start
      words[word + 2] = end
      words[word + 3] = line
      line += event.lineEnd - event.lineStart
      words[word + 4] = line
      words[word + 5] = at
      words[word + 6] = place
      word += EVENT_WORDS
    }
    return padded(at - offset)
  }

  /** The lines of a request are mostly adjacent, and are then copied in one piece. */
  #packLines({ events }: RequestReport, offset: number): number {
    let at = offset
    let run: EventReport | undefined
    let end = 0
    for (const event of events) {
      if (event.place < 0) continue
      if (run === undefined || run.block !== event.block || end !== event.lineStart) {
        if (run !== undefined) at += run.block.copy(this.#bytes, at, run.lineStart, end)
        run = event
      }
      end = event.lineEnd
    }
    if (run !== undefined) at += run.block.copy(this.#bytes, at, run.lineStart, end)
    return at - offset
  }

  /** For a few bytes, a loop is faster than a call. */
  #packId({ texts, idStart, idEnd }: EventReport, at: number): number {
    for (let from = idStart; from < idEnd; from++) this.#bytes[at++] = texts[from] as number
    return at
  }

  eventsAt(offset: number): number {
    return this.#words[offset / WORD_BYTES] as number
  }

  requestAt(offset: number): UnpackedRequest {
    const head = offset / WORD_BYTES
    const [receivedAt = 0, judgeMs = 0, encodeMs = 0, publishMs = 0] = this.#floats.subarray(
      (head + FIRST_FLOAT_WORD) / FLOAT_WORDS
    )
    const [, endpoint = 0, , , addressAt, addressEnd] = this.#words.subarray(head)
    return {
      endpoint: ENDPOINTS[endpoint] as RequestReport['endpoint'],
      address: this.#bytes.toString('utf8', addressAt, addressEnd),
      receivedAt,
      timings: { judgeMs, encodeMs, publishMs }
    }
  }

  /** The marks of the receipt of the request at `offset`. This is a view: a later request may overwrite it. */
  marksAt(offset: number): ArrayLike<number> {
    const head = offset / WORD_BYTES
    const mark = (head + HEAD_WORDS) / FLOAT_WORDS
    return this.#floats.subarray(mark, mark + (this.#words[head + 6] as number))
  }

  /** A copy of event `index` of the request at `offset`. */
  eventAt(offset: number, index: number): UnpackedEvent {
    const head = offset / WORD_BYTES
    const firstEvent = head + HEAD_WORDS + (this.#words[head + 6] as number) * FLOAT_WORDS
    const word = firstEvent + index * EVENT_WORDS
    const [codes = 0, start = 0, end = 0, lineStart, lineEnd = 0, idEnd, place = -1] = this.#words.subarray(word)
    const idStart = this.#words[index === 0 ? head + 5 : word - EVENT_WORDS + 5]
    const bodyAt = this.#words[head + 2] as number
    const kind = KINDS[codes >> 16]
    return {
      outcome: OUTCOMES[codes & 0xff] as Outcome,
      type: TYPES[(codes >> 8) & 0xff] as EventType | 'unknown',
      messageId: this.#bytes.toString('utf8', idStart, idEnd),
      place,
      kind,
      received: Buffer.from(this.#bytes.subarray(bodyAt + start, bodyAt + end)),
      published: kind === undefined ? undefined : Buffer.from(this.#bytes.subarray(lineStart, lineEnd - 1))
    }
  }
}

function padded(bytes: number): number {
  return (bytes + 7) & ~7
}
