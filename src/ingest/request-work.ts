import { errorBody } from '../model/errors.ts'
import type { Outcome } from '../model/outcome.ts'
import type { OutgoingRecord } from '../model/record.ts'
import { uniqueIdStart } from '../model/record.ts'
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
import { createFacts, EventEncoder } from './encode.ts'
import { Entry } from './entry.ts'
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
  readonly #writer: LineWriter
  readonly #encoder: EventEncoder
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
    const { body, source, path, address } = request
    const receivedAt = options.clock.now()
    this.#options = options
    this.#request = request
    this.#facts = createFacts({ body, source: source.id, path, receivedAt, address })
    this.#writer = new LineWriter(body.bytes.length + body.events.length * EXPECTED_EXTRA_BYTES, options.memory)
    this.#encoder = new EventEncoder(this.#writer, this.#facts)
    this.#claims = options.dedupe.begin(source.id)
    this.#marks = [options.clock.monotonic()]
  }

  /** The source is over its rate: no event is looked at. */
  holdBack(): void {
    const { body, endpoint } = this.#request
    const type = endpoint.kind === 'single' ? endpoint.type : 'unknown'
    this.#entries = body.events.map(scan => new Entry(this.#facts, { scan, type, fault: undefined }))
    countReceived(this.#entries, this.#facts.source, this.#options.ledger)
    this.#end('rate_limited')
  }

  /** @param shared a fault of what the events share: it is each one's */
  async run(shared: Fault | undefined): Promise<Answer> {
    const { body } = this.#request
    const isLarge = body.bytes.length > LARGE_BODY_BYTES
    const events: (GoodEvent | BadEvent)[] = []
    try {
      for (let index = 0; index < body.events.length; index++) {
        if (isLarge && index % EVENTS_AT_ONCE === 0) await this.#options.pause()
        events.push(this.#judge(index, shared))
      }
      this.#entries = events.map(event => new Entry(this.#facts, event))
      countReceived(this.#entries, this.#facts.source, this.#options.ledger)
      this.#mark()
      // All of them before the first is written: look-ups wait for memory, and next to one another they wait together.
      for (let index = 0; index < events.length; index++) {
        this.#claim(events[index] as GoodEvent | BadEvent, this.#entries[index] as Entry)
      }
      for (let index = 0; index < events.length; index++) {
        if (isLarge && index % EVENTS_AT_ONCE === 0) await this.#options.pause()
        const tooMuch = this.#write(events[index] as GoodEvent | BadEvent, this.#entries[index] as Entry)
        if (tooMuch !== undefined) return this.#refuse(tooMuch)
      }
      this.#makeRecords()
      events.length = 0
      body.release()
      this.#mark()
      if (this.#records.length > 0) this.#receipt = await this.#options.sink.publish(this.#records)
      // Others have become durable with it: all of them at once would keep the event loop for as many milliseconds.
      if (isLarge) await this.#options.pause()
    } catch (error) {
      return this.#fail(error)
    }
    this.#claims.commit()
    this.#rejectedClaims?.commit()
    const answer = await this.#settle()
    this.#letGo()
    return answer
  }

  #judge(index: number, shared: Fault | undefined): GoodEvent | BadEvent {
    const { body, endpoint } = this.#request
    const event = judgeEvent(this.#options.judge, endpoint, body, index)
    if (shared === undefined || event.fault !== undefined) return event
    return { index, scan: event.scan, value: event.value(), type: event.type, fault: shared }
  }

  #claim(event: GoodEvent | BadEvent, entry: Entry): void {
    if (event.fault !== undefined) return
    event.giveTexts(entry, this.#request.messageId)
    const claim = this.#claims.claim(entry.texts, uniqueIdStart(entry), entry.idEnd)
    if (claim === 'duplicate') entry.outcome = 'duplicate'
    else if (claim !== 'new') entry.awaited = claim
  }

  /** Routes and writes one event, if it is new; a fault when the whole request asks for too much. */
  #write(event: GoodEvent | BadEvent, entry: Entry): Fault | undefined {
    entry.lineStart = this.#writer.length
    if (event.fault !== undefined) this.#writeBad(entry, event)
    else if (entry.outcome !== 'duplicate' && entry.awaited === undefined) this.#writeGood(entry, event)
    entry.lineEnd = this.#writer.length
    this.#publishBytes += (entry.lineEnd - entry.lineStart) * entry.topics.length
    // Stopping here keeps a large shared context times many events from filling the memory.
    const limit = this.#options.judge.limits.maxPublishBytes
    if (this.#publishBytes <= limit) return undefined
    const why = "the batch's context is copied into each of its events"
    return fault('payload_too_large', '', `the request would publish more than ${limit} bytes: ${why}`)
  }

  #writeGood(entry: Entry, event: GoodEvent): void {
    const integrations = this.#integrationsOf(event)
    const router = this.#options.router()
    entry.route = router.route({ type: event.type, source: this.#facts.source, event, integrations })
    entry.topics = entry.route.topics
    if (integrations !== undefined) this.#unknownNames += router.unknownNames(integrations)
    this.#encoder.encode(event, entry)
  }

  #writeBad(entry: Entry, event: BadEvent): void {
    this.#bad.push(event)
    const value = asObject(event.value) ?? {}
    entry.takeTexts(typeof value['messageId'] === 'string' ? value['messageId'] : '', keyOf(value))
    const { source, body } = this.#facts
    this.#rejectedClaims ??= this.#options.dedupe.begin(`${source}.rejected`)
    const why = Buffer.from(`${event.fault.code} ${event.type} `)
    const asItCame = Buffer.concat([why, body.bytes.subarray(entry.start, entry.end)])
    const claim = this.#rejectedClaims.claim(asItCame, 0, asItCame.length)
    if (claim === 'duplicate') return
    if (claim !== 'new') entry.awaited = claim
    else {
      entry.topics = this.#options.router().rejectedTopics(source, event.type)
      encodeRejected(this.#writer, event, this.#facts, this.#request.writeKey)
    }
  }

  /** The batch's integrations under the event's own. */
  #integrationsOf({ pattern }: GoodEvent): JsonObject | undefined {
    const own = asObject(pattern.integrations)
    const shared = this.#facts.body.envelope.integrations?.value
    return own === undefined || shared === undefined ? (own ?? shared) : { ...shared, ...own }
  }

  #makeRecords(): void {
    const { block } = this.#writer
    for (const entry of this.#entries) {
      if (entry.lineStart === entry.lineEnd) continue
      entry.block = block
      entry.place = this.#records.length
      this.#records.push(entry)
    }
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

  /** Where it went wrong the memory of the request is left to the collector: somebody may be at work with it. */
  #letGo(): void {
    if (this.#receipt?.released === false) return
    this.#options.memory.giveBack(this.#writer.block)
    this.#options.memory.giveBack(this.#request.body.bytes)
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
      // Written, and not published.
      if (entry.place < 0) entry.lineEnd = entry.lineStart
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
