import type { Clock } from '../model/clock.ts'
import { errorBody } from '../model/errors.ts'
import type { EventType } from '../model/event-types.ts'
import type { Outcome } from '../model/outcome.ts'
import type { Fault, ReasonCode } from '../model/reasons.ts'
import { fault } from '../model/reasons.ts'
import type { OutgoingRecord } from '../model/record.ts'
import type { Sink } from '../model/sink.ts'
import { isSinkUnavailable } from '../model/sink.ts'
import type { Source } from '../model/source.ts'
import type { Answer } from './answer.ts'
import { faultAnswer, partialAnswer, SUCCESS } from './answer.ts'
import type { JsonObject, ParsedBody } from './body.ts'
import type { Dedupe, DedupeClaims } from './dedupe.ts'
import type { RequestFacts } from './encode.ts'
import { encodeEvent, encodeRejected, keyOf, messageIdOf } from './encode.ts'
import type { BadEvent, Endpoint, GoodEvent, Judge } from './judge.ts'
import { judgeEnvelope, judgeEvent } from './judge.ts'
import { LineWriter } from './line-writer.ts'
import type { Router } from './route.ts'

/** Where the fates of events are counted: once per request and kind, never per event. */
export interface Ledger {
  received(source: string, type: EventType | 'unknown', events: number): void
  settled(fate: Fate, events: number): void
}

export interface Fate {
  readonly source: string
  readonly type: EventType | 'unknown'
  readonly outcome: Outcome
  readonly code?: ReasonCode
}

/** Takes tokens for a request; 0 when they were there, else whole seconds until trying again makes sense. */
export interface RateLimiter {
  take(source: Source, events: number): number
}

export interface PipelineOptions {
  readonly judge: Judge
  readonly dedupe: Dedupe
  /** Asked anew for each request: a reload swaps it. */
  readonly router: () => Router
  readonly sink: Sink
  readonly ledger: Ledger
  readonly rateLimiter: RateLimiter
  readonly clock: Clock
  /** The status of a batch in which some events were bad. */
  readonly partialStatus: number
}

export interface IngestRequest {
  readonly body: ParsedBody
  readonly endpoint: Endpoint
  readonly source: Source
  /** The key that the request came with: kept out of what is published. */
  readonly writeKey: string
  readonly address: string
}

/** The path of an event from the parsed body on: validate, enrich, dedupe, route, publish, answer. */
export interface Pipeline {
  /** Never rejects for anything that a client can send; each event of the request has one outcome when it resolves. */
  ingest(request: IngestRequest): Promise<Answer>
}

export function createPipeline(options: PipelineOptions): Pipeline {
  return {
    async ingest(request) {
      const { body, source } = request
      const wait = options.rateLimiter.take(source, body.events.length)
      if (wait > 0) return rateLimited(options.ledger, request, wait)
      const shared = judgeEnvelope(options.judge, body)
      if (shared !== undefined && body.events.length === 0) return faultAnswer(shared)
      return new RequestWork(options, request).run(shared)
    }
  }
}

function rateLimited(ledger: Ledger, { source, endpoint, body }: IngestRequest, seconds: number): Answer {
  const type = endpoint.kind === 'single' ? endpoint.type : 'unknown'
  ledger.received(source.id, type, body.events.length)
  ledger.settled({ source: source.id, type, outcome: 'rate_limited' }, body.events.length)
  return { status: 429, body: errorBody('rate_limited'), retryAfterSeconds: seconds }
}

/** What the envelope and our own fields add to an event, to size the first buffer. */
const EXPECTED_EXTRA_BYTES = 384

/** One request on its way: its events by their fate so far. */
class RequestWork {
  readonly #options: PipelineOptions
  readonly #request: IngestRequest
  readonly #facts: RequestFacts
  readonly #claims: DedupeClaims
  readonly #good: GoodEvent[] = []
  readonly #bad: BadEvent[] = []
  readonly #published: GoodEvent[] = []
  readonly #duplicates: GoodEvent[] = []
  /** Events that another request is publishing now, and what came of it. */
  readonly #awaited: { readonly event: GoodEvent; readonly durable: Promise<boolean> }[] = []
  readonly #writer: LineWriter
  readonly #unlined: ((line: Buffer) => OutgoingRecord)[] = []
  #publishBytes = 0

  constructor(options: PipelineOptions, request: IngestRequest) {
    const { body, source, address } = request
    const receivedAt = options.clock.now()
    const receivedAtText = new Date(receivedAt).toISOString()
    this.#options = options
    this.#request = request
    this.#facts = { body, source: source.id, receivedAt, receivedAtText, address }
    this.#claims = options.dedupe.begin(source.id)
    this.#writer = new LineWriter(body.bytes.length + body.events.length * EXPECTED_EXTRA_BYTES)
  }

  /** @param shared a fault of what the events share: it is each one's */
  async run(shared: Fault | undefined): Promise<Answer> {
    try {
      this.#judge(shared)
      const refused = this.#prepare()
      if (refused !== undefined) return this.#refuse(refused)
      const lines = this.#writer.lines()
      const records = this.#unlined.map((toRecord, i) => toRecord(lines[i] as Buffer))
      if (records.length > 0) await this.#options.sink.publish(records)
    } catch (error) {
      return this.#fail(error)
    }
    this.#claims.commit()
    return this.#settle()
  }

  #judge(shared: Fault | undefined): void {
    const { body, endpoint } = this.#request
    for (let index = 0; index < body.events.length; index++) {
      const event = judgeEvent(this.#options.judge, endpoint, body, index)
      if ('fault' in event) this.#bad.push(event)
      else if (shared !== undefined) this.#bad.push({ ...event, fault: shared })
      else this.#good.push(event)
    }
    for (const [type, count] of countTypes([...this.#good, ...this.#bad])) {
      this.#options.ledger.received(this.#facts.source, type, count)
    }
  }

  /** Dedupes, enriches and routes. A fault means that the whole request asks for too much. */
  #prepare(): Fault | undefined {
    for (const event of this.#good) this.#prepareEvent(event)
    for (const event of this.#bad) this.#prepareRejected(event)
    const limit = this.#options.judge.limits.maxPublishBytes
    if (this.#publishBytes <= limit) return undefined
    const message = `the request would publish ${this.#publishBytes} bytes; the limit is ${limit}`
    return fault('payload_too_large', '', message)
  }

  #prepareEvent(event: GoodEvent): void {
    const messageId = messageIdOf(event)
    const claim = this.#claims.claim(messageId)
    if (claim === 'duplicate') return void this.#duplicates.push(event)
    if (claim !== 'new') return void this.#awaited.push({ event, durable: claim })
    this.#published.push(event)
    const { source, receivedAt } = this.#facts
    const integrations = this.#integrationsOf(event.value)
    const topics = this.#options.router().topics({ type: event.type, source, integrations })
    this.#write(topics.length, () => encodeEvent(this.#writer, event, messageId, this.#facts))
    const record = {
      kind: 'event',
      type: event.type,
      source,
      messageId,
      receivedAt,
      key: keyOf(event.value),
      topics
    } as const
    this.#unlined.push(line => ({ ...record, line }))
  }

  #prepareRejected(event: BadEvent): void {
    const { source, receivedAt } = this.#facts
    const topics = this.#options.router().rejectedTopics(source, event.type)
    this.#write(topics.length, () => encodeRejected(this.#writer, event, this.#facts, this.#request.writeKey))
    const value = typeof event.value === 'object' && event.value !== null ? (event.value as JsonObject) : {}
    const messageId = typeof value['messageId'] === 'string' ? value['messageId'] : ''
    const record = {
      kind: 'rejected',
      code: event.fault.code,
      source,
      messageId,
      receivedAt,
      key: keyOf(value),
      topics
    } as const
    this.#unlined.push(line => ({ ...record, line }))
  }

  /** Beyond the limit nothing more is written: a large context times many events must not fill the memory. */
  #write(topics: number, encode: () => void): void {
    if (this.#publishBytes > this.#options.judge.limits.maxPublishBytes) return
    const before = this.#writer.length
    encode()
    this.#publishBytes += (this.#writer.length - before) * topics
  }

  #integrationsOf(value: JsonObject): JsonObject | undefined {
    const own = value['integrations']
    const shared = this.#facts.body.envelope.integrations?.value
    const object = typeof own === 'object' && own !== null && !Array.isArray(own) ? (own as JsonObject) : undefined
    return object === undefined || shared === undefined ? (object ?? shared) : { ...shared, ...object }
  }

  /** Everything published is durable; what another request was publishing decides the rest. */
  async #settle(): Promise<Answer> {
    const lost: GoodEvent[] = []
    for (const { event, durable } of this.#awaited) (await durable) ? this.#duplicates.push(event) : lost.push(event)
    this.#count('accepted', this.#published)
    this.#count('duplicate', this.#duplicates)
    this.#count('failed', lost)
    for (const code of new Set(this.#bad.map(event => event.fault.code))) {
      this.#count(
        'rejected',
        this.#bad.filter(event => event.fault.code === code),
        code
      )
    }
    return lost.length > 0 ? unavailable('another request with the same messageId failed', 1) : this.#answer()
  }

  /** Nothing may be taken as durable: the client must send all of it again. */
  #fail(error: unknown): Answer {
    this.#claims.abort()
    this.#count('failed', [...this.#good, ...this.#bad])
    if (isSinkUnavailable(error)) return unavailable(error.message, error.retryAfterSeconds)
    throw error
  }

  /** Every event is refused with one fault of the whole request; nothing was published. */
  #refuse(what: Fault): Answer {
    this.#claims.abort()
    this.#count('rejected', [...this.#good, ...this.#bad], what.code)
    return faultAnswer(what)
  }

  #count(outcome: Outcome, events: readonly (GoodEvent | BadEvent)[], code?: ReasonCode): void {
    const { source } = this.#facts
    for (const [type, count] of countTypes(events)) {
      this.#options.ledger.settled({ source, type, outcome, ...(code === undefined ? {} : { code }) }, count)
    }
  }

  #answer(): Answer {
    const first = this.#bad[0]
    if (first === undefined) return SUCCESS
    if (this.#request.endpoint.kind === 'single') return faultAnswer(first.fault)
    const counts = { accepted: this.#published.length, duplicates: this.#duplicates.length, rejected: this.#bad.length }
    return partialAnswer(this.#bad, counts, this.#options.partialStatus)
  }
}

function unavailable(message: string, retryAfterSeconds: number): Answer {
  return { status: 503, body: errorBody('unavailable', message), retryAfterSeconds }
}

function countTypes(events: readonly (GoodEvent | BadEvent)[]): Map<EventType | 'unknown', number> {
  const counts = new Map<EventType | 'unknown', number>()
  for (const { type } of events) counts.set(type, (counts.get(type) ?? 0) + 1)
  return counts
}
