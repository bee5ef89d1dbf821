import { errorBody } from '../model/errors.ts'
import type { EventType } from '../model/event-types.ts'
import type { Outcome } from '../model/outcome.ts'
import type { OutgoingRecord } from '../model/record.ts'
import type { Fault } from '../model/reasons.ts'
import { fault } from '../model/reasons.ts'
import type { Receipt } from '../model/sink.ts'
import { isSinkUnavailable } from '../model/sink.ts'
import type { Answer } from './answer.ts'
import { faultAnswer, partialAnswer, SUCCESS } from './answer.ts'
import type { JsonObject } from './body.ts'
import { asObject } from './body.ts'
import type { IngestRequest, PipelineOptions } from './contract.ts'
import type { DedupeClaims } from './dedupe.ts'
import type { RequestFacts } from './encode.ts'
import { encodeRejected } from './encode-rejected.ts'
import { createFacts, encodeEvent } from './encode.ts'
import type { Entry } from './entry.ts'
import { createEntry } from './entry.ts'
import type { GoodEvent } from './good-event.ts'
import type { BadEvent } from './judge.ts'
import { judgeEvent } from './judge.ts'
import { keyOf } from './key-of.ts'
import { LineWriter } from './line-writer.ts'
import { countReceived, countSettled } from './settlement.ts'

/** Above it a request passes in pieces... */
const LARGE_BODY_BYTES = 128 * 1024
/** ...of so many events: a millisecond, or three where each of them is refused. */
const EVENTS_AT_ONCE = 250

/** What the envelope and our own fields add to an event, to size the first buffer. */
const EXPECTED_EXTRA_BYTES = 384

/** One request on its way through the pipeline; used once. */
export class RequestWork {
  readonly #options: PipelineOptions
  readonly #request: IngestRequest
  readonly #facts: RequestFacts
  readonly #claims: DedupeClaims
  /**
   * Refused events by their bytes, so that a batch that is sent again does not put them on the rejected topic twice.
   * Made for the first of them.
   */
  #rejectedClaims: DedupeClaims | undefined
  #entries: Entry[] = []
  readonly #records: OutgoingRecord[] = []
  readonly #bad: BadEvent[] = []
  /** Monotonic milliseconds at the start and after each step. */
  readonly #marks: number[]
  #receipt: Receipt | undefined
  /** Of all topics together. */
  #publishBytes = 0
  /** Keys of `integrations` that are no destination's. */
  #unknownNames = 0

  constructor(options: PipelineOptions, request: IngestRequest) {
    const { body, source, address } = request
    const receivedAt = options.clock.now()
    this.#options = options
    this.#request = request
    this.#facts = createFacts({ body, source: source.id, receivedAt, address })
    this.#claims = options.dedupe.begin(source.id)
    this.#marks = [options.clock.monotonic()]
  }

  /** The source is over its rate: no event is looked at. */
  holdBack(): void {
    const { body, endpoint } = this.#request
    const type = endpoint.kind === 'single' ? endpoint.type : 'unknown'
    this.#entries = body.events.map(scan => createEntry({ scan, type, fault: undefined }))
    countReceived(this.#entries, this.#facts.source, this.#options.ledger)
    this.#end('rate_limited')
  }

  /** @param shared a fault of what the events share: it is each one's */
  async run(shared: Fault | undefined): Promise<Answer> {
    const { body } = this.#request
    const isLarge = body.bytes.length > LARGE_BODY_BYTES
    const events: (GoodEvent | BadEvent)[] = []
    const writer = new LineWriter(body.bytes.length + body.events.length * EXPECTED_EXTRA_BYTES)
    try {
      for (let index = 0; index < body.events.length; index++) {
        if (isLarge && index % EVENTS_AT_ONCE === 0) await this.#options.pause()
        events.push(this.#judge(index, shared))
      }
      this.#entries = events.map(createEntry)
      countReceived(this.#entries, this.#facts.source, this.#options.ledger)
      this.#mark()
      for (let index = 0; index < events.length; index++) {
        if (isLarge && index % EVENTS_AT_ONCE === 0) await this.#options.pause()
        const tooMuch = this.#write(writer, events[index] as GoodEvent | BadEvent, this.#entries[index] as Entry)
        if (tooMuch !== undefined) return this.#refuse(tooMuch)
      }
      this.#makeRecords(writer.lines())
      events.length = 0
      body.release()
      this.#mark()
      if (this.#records.length > 0) this.#receipt = await this.#options.sink.publish(this.#records)
    } catch (error) {
      return this.#fail(error)
    }
    this.#claims.commit()
    this.#rejectedClaims?.commit()
    return this.#settle()
  }

  #judge(index: number, shared: Fault | undefined): GoodEvent | BadEvent {
    const { body, endpoint } = this.#request
    const event = judgeEvent(this.#options.judge, endpoint, body, index)
    if (shared === undefined || event.fault !== undefined) return event
    return { index, scan: event.scan, value: event.value(), type: event.type, fault: shared }
  }

  /** Dedupes, routes and writes one event; a fault when the whole request asks for too much. */
  #write(writer: LineWriter, event: GoodEvent | BadEvent, entry: Entry): Fault | undefined {
    const before = writer.length
    if (event.fault === undefined) this.#writeGood(writer, entry, event)
    else this.#writeBad(writer, entry, event)
    this.#publishBytes += (writer.length - before) * (entry.topics?.length ?? 0)
    // Stopping here keeps a large shared context times many events from filling the memory.
    const limit = this.#options.judge.limits.maxPublishBytes
    if (this.#publishBytes <= limit) return undefined
    const why = "the batch's context is copied into each of its events"
    return fault('payload_too_large', '', `the request would publish more than ${limit} bytes: ${why}`)
  }

  #writeGood(writer: LineWriter, entry: Entry, event: GoodEvent): void {
    entry.messageId = event.messageId()
    const claim = this.#claims.claim(entry.messageId)
    if (claim === 'duplicate') entry.outcome = 'duplicate'
    else if (claim !== 'new') entry.awaited = claim
    else {
      const integrations = this.#integrationsOf(event)
      const router = this.#options.router()
      entry.route = router.route({ type: event.type, source: this.#facts.source, event, integrations })
      entry.topics = entry.route.topics
      entry.key = event.key()
      if (integrations !== undefined) this.#unknownNames += router.unknownNames(integrations)
      encodeEvent(writer, event, entry.messageId, this.#facts)
    }
  }

  #writeBad(writer: LineWriter, entry: Entry, event: BadEvent): void {
    this.#bad.push(event)
    const value = asObject(event.value) ?? {}
    entry.messageId = typeof value['messageId'] === 'string' ? value['messageId'] : ''
    entry.key = keyOf(value)
    const { source, body } = this.#facts
    this.#rejectedClaims ??= this.#options.dedupe.begin(`${source}.rejected`)
    const claim = this.#rejectedClaims.claim(`${event.fault.code} ${body.text(entry.start, entry.end)}`)
    if (claim === 'duplicate') return
    if (claim !== 'new') entry.awaited = claim
    else {
      entry.topics = this.#options.router().rejectedTopics(source, event.type)
      encodeRejected(writer, event, this.#facts, this.#request.writeKey)
    }
  }

  /** The batch's integrations under the event's own. */
  #integrationsOf({ pattern }: GoodEvent): JsonObject | undefined {
    const own = asObject(pattern.integrations)
    const shared = this.#facts.body.envelope.integrations?.value
    return own === undefined || shared === undefined ? (own ?? shared) : { ...shared, ...own }
  }

  #makeRecords(lines: readonly Buffer[]): void {
    let place = 0
    for (const entry of this.#entries) {
      const line = lines[place]
      if (entry.topics === undefined || line === undefined) continue
      entry.place = place++
      entry.record = this.#toRecord(entry, entry.topics, line)
      this.#records.push(entry.record)
    }
  }

  #toRecord({ type, fault: why, messageId, key }: Entry, topics: readonly string[], line: Buffer): OutgoingRecord {
    const { source, receivedAt } = this.#facts
    if (why !== undefined) return { kind: 'rejected', line, code: why.code, source, messageId, receivedAt, key, topics }
    return { kind: 'event', line, type: type as EventType, source, messageId, receivedAt, key, topics }
  }

  /** Everything published is durable; what other requests were publishing decides the rest. */
  async #settle(): Promise<Answer> {
    for (const entry of this.#entries) {
      const isGood = entry.fault === undefined
      if (entry.awaited !== undefined) {
        if (await entry.awaited) entry.outcome = isGood ? 'duplicate' : 'rejected'
        else entry.fault = undefined
      } else if (entry.outcome === 'failed') entry.outcome = isGood ? 'accepted' : 'rejected'
    }
    this.#close()
    if (this.#countOf('failed') > 0) return unavailable('another request with the same messageId failed', 1)
    const [first] = this.#bad
    if (first === undefined) return SUCCESS
    if (this.#request.endpoint.kind === 'single') return faultAnswer(first.fault)
    const counts = {
      accepted: this.#countOf('accepted'),
      duplicates: this.#countOf('duplicate'),
      rejected: this.#bad.length
    }
    return partialAnswer(this.#bad, counts, this.#options.partialStatus)
  }

  /** Nothing may be taken as durable: the client must send all of it again. */
  #fail(error: unknown): Answer {
    this.#end('failed')
    if (isSinkUnavailable(error)) return unavailable(error.message, error.retryAfterSeconds)
    throw error
  }

  /** The whole request is refused; nothing was published. */
  #refuse(what: Fault): Answer {
    this.#end('rejected', what)
    return faultAnswer(what)
  }

  /** Gives every event the same fate, and its id back. */
  #end(outcome: Outcome, why?: Fault): void {
    this.#claims.abort()
    this.#rejectedClaims?.abort()
    for (const entry of this.#entries) {
      entry.outcome = outcome
      entry.fault = why
    }
    this.#close()
  }

  #countOf(outcome: Outcome): number {
    return this.#entries.reduce((count, entry) => count + (entry.outcome === outcome ? 1 : 0), 0)
  }

  /** Every event has its one outcome: tells the ledger and the observer. */
  #close(): void {
    this.#mark()
    const { source, receivedAt } = this.#facts
    const { ledger, observe } = this.#options
    countSettled(this.#entries, source, ledger)
    if (this.#unknownNames > 0) ledger.unknownIntegrations(source, this.#unknownNames)
    const { body, endpoint, address } = this.#request
    const [start = 0, judged = start, written = judged, ended = written] = this.#marks
    observe({
      source,
      endpoint: endpoint.kind === 'batch' ? 'batch' : endpoint.type,
      address,
      receivedAt,
      body: body.bytes,
      events: this.#entries,
      receipt: this.#receipt,
      timings: { judgeMs: judged - start, encodeMs: written - judged, publishMs: ended - written }
    })
  }

  #mark(): void {
    this.#marks.push(this.#options.clock.monotonic())
  }
}

function unavailable(message: string, retryAfterSeconds: number): Answer {
  return { status: 503, body: errorBody('unavailable', message), retryAfterSeconds }
}
