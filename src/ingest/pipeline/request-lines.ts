import type { JsonObject } from '../parse/body.ts'
import { asObject } from '../parse/body.ts'
import type { IngestRequest, PipelineOptions } from './contract.ts'
import type { DedupeClaims } from '../dedupe/dedupe.ts'
import { encodeRejected } from '../enrich/encode-rejected.ts'
import type { RequestFacts } from '../enrich/encode.ts'
import { EventEncoder } from '../enrich/encode.ts'
import type { EventEntry } from './entry.ts'
import type { GoodEvent } from '../judge/good-event.ts'
import type { BadEvent } from '../judge/judge.ts'
import { partitionKeyOf } from '../route/key-of.ts'
import { LineWriter } from '../enrich/line-writer.ts'

/** What the envelope and our own fields add to an event, to size the first buffer. */
const EXPECTED_EXTRA_BYTES = 384

/** The lines of one request's events, side by side in one buffer, and where each of them is to go. */
export class RequestLines {
  readonly #options: PipelineOptions
  readonly #request: IngestRequest
  readonly #facts: RequestFacts
  readonly #writer: LineWriter
  readonly #encoder: EventEncoder
  /**
   * Refused events by their bytes, so that a batch that is sent again does not put them on the rejected topic twice.
   * Made for the first of them.
   */
  #rejectedClaims: DedupeClaims | undefined
  /** The refused events, in order. */
  readonly bad: BadEvent[] = []
  /** Keys of `integrations` that are no destination's. */
  unknownNames = 0

  constructor(options: PipelineOptions, request: IngestRequest, facts: RequestFacts) {
    const { body } = request
    this.#options = options
    this.#request = request
    this.#facts = facts
    this.#writer = new LineWriter(body.bytes.length + body.events.length * EXPECTED_EXTRA_BYTES, options.bufferPool)
    this.#encoder = new EventEncoder(this.#writer, facts)
  }

  /** So many bytes were written. A line counts once, however many topics it goes to. */
  get length(): number {
    return this.#writer.length
  }

  /** Routes and writes one event, if it is new. */
  write(event: GoodEvent | BadEvent, entry: EventEntry): void {
    entry.lineStart = this.#writer.length
    if (entry.verdict !== undefined) entry.takeTexts(entry.verdict.messageId, '')
    else if (event.fault !== undefined) this.#writeBad(entry, event)
    else if (entry.outcome !== 'duplicate' && entry.awaited === undefined) this.#writeGood(entry, event)
    entry.lineEnd = this.#writer.length
  }

  get block(): Buffer {
    return this.#writer.block
  }

  /** What was written is durable. */
  commit(): void {
    this.#rejectedClaims?.commit()
  }

  /** What was written is as if it had never been; the block may still be in somebody's hands. */
  abort(): void {
    this.#rejectedClaims?.abort()
  }

  /** Nobody needs the block any more. */
  releaseMemory(): void {
    this.#options.bufferPool.release(this.#writer.block)
  }

  #writeGood(entry: EventEntry, event: GoodEvent): void {
    const integrations = this.#integrationsOf(event)
    const router = this.#options.router()
    entry.route = router.route({ type: event.type, source: this.#facts.source, event, integrations })
    entry.topics = entry.route.topics
    if (integrations !== undefined) this.unknownNames += router.unknownNames(integrations)
    this.#encoder.encode(event, entry)
  }

  #writeBad(entry: EventEntry, event: BadEvent): void {
    // What a rule has blocked is not the client's to know.
    if (event.isBlocked !== true) this.bad.push(event)
    const value = asObject(event.value) ?? {}
    entry.takeTexts(typeof value['messageId'] === 'string' ? value['messageId'] : '', partitionKeyOf(value))
    const { source, body } = this.#facts
    this.#rejectedClaims ??= this.#options.dedupe.begin(`${source}.rejected`)
    const why = Buffer.from(`${event.fault.code} ${event.type} `)
    const asItCame = Buffer.concat([why, event.withheld ?? body.bytes.subarray(entry.start, entry.end)])
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
}
