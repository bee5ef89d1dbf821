import { errorBody } from '../model/errors.ts'
import type { EventType } from '../model/event-types.ts'
import type { Outcome } from '../model/outcome.ts'
import type { Fault, ReasonCode } from '../model/reasons.ts'
import { fault } from '../model/reasons.ts'
import type { OutgoingRecord } from '../model/record.ts'
import type { Route } from '../model/route.ts'
import type { Receipt } from '../model/sink.ts'
import { isSinkUnavailable } from '../model/sink.ts'
import type { Answer } from './answer.ts'
import { faultAnswer, partialAnswer, SUCCESS } from './answer.ts'
import type { JsonObject } from './body.ts'
import type { DedupeClaims } from './dedupe.ts'
import type { RequestFacts } from './encode.ts'
import { encodeEvent, encodeRejected, keyOf, messageIdOf } from './encode.ts'
import type { BadEvent, GoodEvent } from './judge.ts'
import { judgeEvent } from './judge.ts'
import { LineWriter } from './line-writer.ts'
import { countRoutes } from './route-count.ts'
import type { IngestRequest, PipelineOptions } from './contract.ts'
import type { ElementScan } from './scan.ts'

/** What the envelope and our own fields add to an event, to size the first buffer. */
const EXPECTED_EXTRA_BYTES = 384

/** An event that was held back before anybody looked at it. */
interface UnjudgedEvent {
  readonly scan: ElementScan
  readonly type: EventType | 'unknown'
  readonly fault: undefined
}

/** One event on its way, and what has become of it so far. */
interface Entry {
  readonly event: GoodEvent | BadEvent | UnjudgedEvent
  messageId: string
  /** Undefined until it is known. */
  outcome: Outcome | undefined
  /** Another request is publishing the same id now: true once that is durable. */
  awaited: Promise<boolean> | undefined
  /** Where it is published to; undefined where it is not. */
  topics: readonly string[] | undefined
  /** The same with the rules that decided it; for good events only. */
  route: Route | undefined
  record: OutgoingRecord | undefined
  /** The record's index among those of the request. */
  place: number
}

/** One request on its way through the pipeline; used once. */
export class RequestWork {
  readonly #options: PipelineOptions
  readonly #request: IngestRequest
  readonly #facts: RequestFacts
  readonly #claims: DedupeClaims
  /** Refused events by their bytes: a batch that is sent again must not refuse them twice on the rejected topic. */
  readonly #rejectedClaims: DedupeClaims
  readonly #entries: Entry[] = []
  readonly #bad: BadEvent[] = []
  /** Monotonic milliseconds at the start and after each step. */
  readonly #marks: number[]
  #receipt: Receipt | undefined
  /** Keys of `integrations` that are no destination's. */
  #unknownNames = 0

  constructor(options: PipelineOptions, request: IngestRequest) {
    const { body, source, address } = request
    const receivedAt = options.clock.now()
    this.#options = options
    this.#request = request
    this.#facts = { body, source: source.id, receivedAt, receivedAtText: new Date(receivedAt).toISOString(), address }
    this.#claims = options.dedupe.begin(source.id)
    this.#rejectedClaims = options.dedupe.begin(`${source.id}.rejected`)
    this.#marks = [options.clock.monotonic()]
  }

  /** The source is over its rate: no event is looked at. */
  holdBack(): void {
    const { body, endpoint } = this.#request
    const type = endpoint.kind === 'single' ? endpoint.type : 'unknown'
    for (const scan of body.events) this.#enter({ scan, type, fault: undefined }, 'rate_limited')
    this.#countReceived()
    this.#close()
  }

  /** @param shared a fault of what the events share: it is each one's */
  async run(shared: Fault | undefined): Promise<Answer> {
    try {
      this.#judge(shared)
      this.#mark()
      const tooMuch = this.#write()
      if (tooMuch !== undefined) return this.#refuse(tooMuch)
      this.#mark()
      const records = this.#entries.flatMap(({ record }) => (record === undefined ? [] : [record]))
      if (records.length > 0) this.#receipt = await this.#options.sink.publish(records)
    } catch (error) {
      return this.#fail(error)
    }
    this.#claims.commit()
    this.#rejectedClaims.commit()
    return this.#settle()
  }

  #judge(shared: Fault | undefined): void {
    const { body, endpoint } = this.#request
    for (let index = 0; index < body.events.length; index++) {
      const event = judgeEvent(this.#options.judge, endpoint, body, index)
      const judged = shared === undefined || event.fault !== undefined ? event : { ...event, fault: shared }
      this.#enter(judged)
      if (judged.fault !== undefined) this.#bad.push(judged)
    }
    this.#countReceived()
  }

  #enter(event: Entry['event'], outcome?: Outcome): void {
    const fate = { outcome, awaited: undefined, topics: undefined, route: undefined, record: undefined, place: -1 }
    this.#entries.push({ event, messageId: '', ...fate })
  }

  /** Dedupes, routes and writes every event; a fault when the whole request asks for too much. */
  #write(): Fault | undefined {
    const { body } = this.#request
    const limit = this.#options.judge.limits.maxPublishBytes
    const writer = new LineWriter(body.bytes.length + body.events.length * EXPECTED_EXTRA_BYTES)
    let publishBytes = 0
    for (const entry of this.#entries) {
      const before = writer.length
      if (entry.event.fault !== undefined) this.#writeBad(writer, entry, entry.event)
      else this.#writeGood(writer, entry, entry.event as GoodEvent)
      publishBytes += (writer.length - before) * (entry.topics?.length ?? 0)
      // Stopping here keeps a large shared context times many events from filling the memory.
      if (publishBytes > limit) {
        return fault(
          'payload_too_large',
          '',
          `the request would publish more than ${limit} bytes: the batch's context is copied into each of its events`
        )
      }
    }
    this.#makeRecords(writer.lines())
    return undefined
  }

  #writeGood(writer: LineWriter, entry: Entry, event: GoodEvent): void {
    entry.messageId = messageIdOf(event)
    const claim = this.#claims.claim(entry.messageId)
    if (claim === 'duplicate') entry.outcome = 'duplicate'
    else if (claim !== 'new') entry.awaited = claim
    else {
      const integrations = this.#integrationsOf(event.value)
      const router = this.#options.router()
      const { value, type } = event
      entry.route = router.route({ type, source: this.#facts.source, event: value, integrations })
      entry.topics = entry.route.topics
      if (integrations !== undefined) this.#unknownNames += router.unknownNames(integrations)
      encodeEvent(writer, event, entry.messageId, this.#facts)
    }
  }

  #writeBad(writer: LineWriter, entry: Entry, event: BadEvent): void {
    const id = asObject(event.value)?.['messageId']
    entry.messageId = typeof id === 'string' ? id : ''
    const { body } = this.#request
    const claim = this.#rejectedClaims.claim(`${event.fault.code} ${body.text(event.scan.start, event.scan.end)}`)
    if (claim !== 'new') {
      if (claim !== 'duplicate') entry.awaited = claim
      return
    }
    entry.topics = this.#options.router().rejectedTopics(this.#facts.source, event.type)
    encodeRejected(writer, event, this.#facts, this.#request.writeKey)
  }

  /** The batch's integrations under the event's own. */
  #integrationsOf(value: JsonObject): JsonObject | undefined {
    const own = asObject(value['integrations'])
    const shared = this.#facts.body.envelope.integrations?.value
    return own === undefined || shared === undefined ? (own ?? shared) : { ...shared, ...own }
  }

  #makeRecords(lines: readonly Buffer[]): void {
    const { source, receivedAt } = this.#facts
    let place = 0
    for (const entry of this.#entries) {
      const { event, messageId, topics } = entry
      const line = lines[place]
      if (topics === undefined || line === undefined) continue
      entry.place = place++
      entry.record =
        event.fault === undefined
          ? {
              kind: 'event',
              line,
              type: event.type as EventType,
              source,
              messageId,
              receivedAt,
              key: keyOf((event as GoodEvent).value),
              topics
            }
          : {
              kind: 'rejected',
              line,
              code: event.fault.code,
              source,
              messageId,
              receivedAt,
              key: keyOf(asObject(event.value) ?? {}),
              topics
            }
    }
  }

  /** Everything published is durable; what other requests were publishing decides the rest. */
  async #settle(): Promise<Answer> {
    for (const entry of this.#entries) {
      const isGood = entry.event.fault === undefined
      if (entry.awaited === undefined) entry.outcome ??= isGood ? 'accepted' : 'rejected'
      else if (await entry.awaited) entry.outcome = isGood ? 'duplicate' : 'rejected'
      else entry.outcome = 'failed'
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
  #end(outcome: Outcome, what?: Fault): void {
    this.#claims.abort()
    this.#rejectedClaims.abort()
    for (const entry of this.#entries) entry.outcome = outcome
    this.#close(what)
  }

  #countOf(outcome: Outcome): number {
    return this.#entries.reduce((count, entry) => count + (entry.outcome === outcome ? 1 : 0), 0)
  }

  #countReceived(): void {
    const counts = new Map<EventType | 'unknown', number>()
    for (const { event } of this.#entries) counts.set(event.type, (counts.get(event.type) ?? 0) + 1)
    for (const [type, events] of counts) this.#options.ledger.received(this.#facts.source, type, events)
  }

  /** Every event has its one outcome: tells the ledger and the observer. `overall` is a fault of the whole request. */
  #close(overall?: Fault): void {
    this.#mark()
    const { source } = this.#facts
    const counts = new Map<
      string,
      { type: EventType | 'unknown'; outcome: Outcome; code: ReasonCode | undefined; events: number }
    >()
    for (const { event, outcome = 'failed' } of this.#entries) {
      const code = outcome === 'rejected' ? (overall ?? event.fault)?.code : undefined
      const key = `${event.type} ${outcome} ${code}`
      const count = counts.get(key)
      if (count === undefined) counts.set(key, { type: event.type, outcome, code, events: 1 })
      else count.events++
    }
    for (const { events, type, outcome, code } of counts.values()) {
      this.#options.ledger.settled({ source, type, outcome, ...(code === undefined ? {} : { code }) }, events)
    }
    const routes = countRoutes(this.#entries)
    if (routes.length > 0) this.#options.ledger.routed(routes)
    if (this.#unknownNames > 0) this.#options.ledger.unknownIntegrations(source, this.#unknownNames)
    this.#report(overall)
  }

  #report(overall: Fault | undefined): void {
    const { body, endpoint, address } = this.#request
    const [start = 0, judged = start, written = judged, ended = written] = this.#marks
    this.#options.observe({
      source: this.#facts.source,
      endpoint: endpoint.kind === 'batch' ? 'batch' : endpoint.type,
      address,
      receivedAt: this.#facts.receivedAt,
      body: body.bytes,
      events: this.#entries.map(
        ({ event: { type, scan, fault: own }, outcome = 'failed', messageId, record, place }) => ({
          outcome,
          type,
          messageId,
          start: scan.start,
          end: scan.end,
          fault: outcome === 'rejected' ? (overall ?? own) : undefined,
          record,
          place
        })
      ),
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

function asObject(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined
}
