import type { Outcome } from '../../model/outcome.ts'
import { setterOf } from '../../model/limits.ts'
import { uniqueIdStart, type OutgoingRecord } from '../../model/record.ts'
import { fault, type Fault } from '../../model/reasons.ts'
import { isSinkUnavailable, type Receipt } from '../../model/sink.ts'
import { unavailableAnswer, type Answer } from './answer.ts'
import type { IngestRequest, PipelineOptions } from './contract.ts'
import type { DedupeClaims } from '../dedupe/dedupe.ts'
import type { RequestFacts } from '../enrich/encode.ts'
import { EventEntry } from './entry.ts'
import type { GoodEvent } from '../judge/good-event.ts'
import type { BadEvent } from '../judge/judge.ts'
import type { Governor } from '../govern/governance.ts'
import {
  entriesWithoutJudgement,
  EVENTS_AT_ONCE,
  factsOf,
  governAll,
  isLarge,
  judgeAll,
  rejectGoodEvent
} from './judge-request.ts'
import type { JudgedRequest } from '../govern/judged-request.ts'
import { RequestLines } from './request-lines.ts'
import { answerOf, countEffects, countReceived, countSettled, timingsOf } from './settlement.ts'

/** Processes one request; each object is used once. */
export class RequestWork {
  readonly #options: PipelineOptions
  /** The request, with its body as changed by rules. */
  #request: IngestRequest
  #facts: RequestFacts
  readonly #governor: Governor | undefined
  /** The events as changed by rules; undefined if there are no rules. */
  #governed: JudgedRequest | undefined
  /** The original bytes of the body. */
  readonly #received: Buffer
  #lines: RequestLines
  readonly #claims: DedupeClaims
  #entries: EventEntry[] = []
  readonly #records: OutgoingRecord[] = []
  /** Why the request was refused as a whole. */
  #refusal: Fault | undefined
  /** Monotonic milliseconds at the start and after each step. */
  readonly #marks: number[]
  #receipt: Receipt | undefined

  constructor(options: PipelineOptions, request: IngestRequest, governor?: Governor) {
    const { body, source } = request
    const receivedAt = options.clock.now()
    this.#options = options
    this.#request = request
    this.#governor = governor
    this.#received = body.bytes
    this.#facts = factsOf(request, receivedAt)
    this.#lines = new RequestLines(options, request, this.#facts)
    this.#claims = options.dedupe.begin(source.id)
    this.#marks = [options.clock.monotonic()]
  }

  /** Ends all events as `rate_limited`, without judging them. */
  rejectForRate(): void {
    const { entries, shown } = entriesWithoutJudgement(this.#request, this.#facts, this.#governor)
    this.#entries = entries
    this.#request = shown
    countReceived(this.#entries, this.#facts.source, this.#options.ledger)
    this.#end('rate_limited')
  }

  /** Runs all steps and returns the answer. @param shared a fault of the shared members, which then applies to every event */
  async run(shared: Fault | undefined): Promise<Answer> {
    const { body } = this.#request
    const inPieces = isLarge(this.#request)
    let events: readonly (GoodEvent | BadEvent)[] = []
    try {
      events = await judgeAll(this.#options, this.#request, shared)
      if (this.#governor !== undefined) events = await this.#govern(this.#governor, events)
      this.#entries = events.map((event, index) => this.#entryOf(event, index))
      countReceived(this.#entries, this.#facts.source, this.#options.ledger)
      this.#mark()
      // All ids are claimed before the first line is written: consecutive look-ups overlap their cache misses.
      for (let index = 0; index < events.length; index++) {
        this.#claim(events[index] as GoodEvent | BadEvent, this.#entries[index] as EventEntry)
      }
      if (!(await this.#writeAll(events, this.#options.judge.limits.maxPublishBytes))) {
        await this.#writeAll(this.#refuse(events), Infinity)
      }
      this.#makeRecords()
      events = []
      body.release()
      this.#request.body.release()
      this.#mark()
      if (this.#records.length > 0) this.#receipt = await this.#options.sink.publish(this.#records)
      // Other requests may have become durable in the same turn; settling all of them at once would block the event loop.
      if (inPieces) await this.#options.pause()
    } catch (error) {
      return this.#fail(error)
    }
    this.#claims.commit()
    this.#lines.commit()
    const answer = await this.#settle()
    this.#releaseMemory()
    return answer
  }

  /** Applies the rules. All later steps use the body as changed by them. */
  async #govern(governor: Governor, events: readonly (GoodEvent | BadEvent)[]) {
    const governed = await governAll(this.#options, this.#request, events, governor)
    this.#governed = governed
    if (governed.body !== this.#request.body) {
      this.#request = { ...this.#request, body: governed.body }
      this.#facts = factsOf(this.#request, this.#facts.receivedAt)
      this.#lines = new RequestLines(this.#options, this.#request, this.#facts)
    }
    return governed.events
  }

  #entryOf(event: GoodEvent | BadEvent, index: number): EventEntry {
    const entry = new EventEntry(this.#facts, event)
    if (this.#governed !== undefined) this.#governed.describe(index, entry)
    return entry
  }

  #claim(event: GoodEvent | BadEvent, entry: EventEntry): void {
    if (event.fault !== undefined || entry.verdict !== undefined) return
    event.writeKeySpans(entry, this.#request.messageId)
    const claim = this.#claims.claim(entry.texts, uniqueIdStart(entry), entry.idEnd)
    if (claim === 'duplicate') entry.outcome = 'duplicate'
    else if (claim !== 'new') entry.awaited = claim
  }

  /**
   * Writes the lines of all events. Returns false as soon as the lines exceed `limit` bytes, because a large shared context
   * is copied into each event and could fill the memory. The memory for each topic is bounded by the Kafka sink.
   */
  async #writeAll(events: readonly (GoodEvent | BadEvent)[], limit: number): Promise<boolean> {
    const inPieces = isLarge(this.#request)
    for (let index = 0; index < events.length; index++) {
      if (inPieces && index % EVENTS_AT_ONCE === 0) await this.#options.pause()
      this.#lines.write(events[index] as GoodEvent | BadEvent, this.#entries[index] as EventEntry)
      if (this.#lines.length > limit) return false
    }
    return true
  }

  /**
   * The lines exceed the limit: discards them and refuses every valid event.
   *
   * @returns the refused events, which are kept as received, so that they take little more than the body
   */
  #refuse(events: readonly (GoodEvent | BadEvent)[]): (GoodEvent | BadEvent)[] {
    const { limits } = this.#options.judge
    const most = `${limits.maxPublishBytes} bytes (${setterOf(limits, 'maxPublishBytes')})`
    const why = "the batch's context is copied into each of its events"
    const message = `the request would publish more than ${most}: ${why}`
    const tooMuch = fault('payload_too_large', '', message)
    this.#refusal = tooMuch
    this.#claims.abort()
    this.#lines.abort()
    this.#lines.releaseMemory()
    this.#lines = new RequestLines(this.#options, this.#request, this.#facts)
    const refused = events.map((event, index) => {
      const goesOn = event.fault === undefined && this.#governed?.verdictOf(index) === undefined
      return goesOn ? rejectGoodEvent(event, index, tooMuch) : event
    })
    this.#entries = refused.map((event, index) => this.#entryOf(event, index))
    return refused
  }

  #makeRecords(): void {
    const { block } = this.#lines
    for (const entry of this.#entries) {
      if (entry.lineStart === entry.lineEnd) continue
      entry.block = block
      entry.place = this.#records.length
      this.#records.push(entry)
    }
  }

  /** All published records are durable: sets the outcomes, after waiting for the ids that other requests are publishing. */
  async #settle(): Promise<Answer> {
    for (const entry of this.#entries) {
      const isGood = entry.fault === undefined
      if (entry.awaited !== undefined) {
        if (await entry.awaited) entry.outcome = isGood ? 'duplicate' : entry.settlesAs
        else entry.fault = undefined
      } else if (entry.outcome === 'failed') entry.outcome = entry.settlesAs
    }
    this.#close()
    return answerOf(this.#entries, {
      bad: this.#lines.bad,
      refusal: this.#refusal,
      request: this.#request,
      partialStatus: this.#options.partialStatus
    })
  }

  /** Releases the request's memory. After a failure the garbage collector frees it, because a sink may still use it. */
  #releaseMemory(): void {
    if (this.#receipt?.released === false) return
    this.#lines.releaseMemory()
    this.#options.bufferPool.release(this.#received)
  }

  /** Nothing counts as durable: the client must send the whole request again. */
  #fail(error: unknown): Answer {
    this.#end('failed')
    if (isSinkUnavailable(error)) return unavailableAnswer(error.message, error.retryAfterSeconds)
    throw error
  }

  /** Gives every event the same outcome, and drops all claims. */
  #end(outcome: Outcome): void {
    this.#claims.abort()
    this.#lines.abort()
    for (const entry of this.#entries) {
      // The line was written but not published.
      if (entry.place < 0) entry.lineEnd = entry.lineStart
      entry.outcome = outcome
      entry.fault = undefined
    }
    this.#close()
  }

  /** Reports the outcomes of all events to the ledger and the observer. */
  #close(): void {
    this.#mark()
    const { source, receivedAt } = this.#facts
    const { ledger, observe } = this.#options
    countSettled(this.#entries, source, ledger)
    if (this.#governed?.effects !== undefined) countEffects(this.#governed.effects, source, ledger)
    if (this.#lines.unknownNames > 0) ledger.unknownIntegrations(source, this.#lines.unknownNames)
    const { body, endpoint, address, trace } = this.#request
    observe({
      source,
      endpoint: endpoint.kind === 'batch' ? 'batch' : endpoint.type,
      address,
      receivedAt,
      body: body.bytes,
      events: this.#entries,
      receipt: this.#receipt,
      timings: timingsOf(this.#marks),
      trace
    })
  }

  #mark(): void {
    this.#marks.push(this.#options.clock.monotonic())
  }
}
