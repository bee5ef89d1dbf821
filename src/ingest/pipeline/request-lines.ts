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

/** The expected bytes that an event grows by its envelope and our fields, to size the first buffer. */
const EXPECTED_EXTRA_BYTES = 384

/** Routes the events of one request and writes their lines into one buffer. */
export class RequestLines {
  readonly #options: PipelineOptions
  readonly #request: IngestRequest
  readonly #facts: RequestFacts
  readonly #writer: LineWriter
  readonly #encoder: EventEncoder
  /**
   * Claims of refused events by a digest of their bytes, so that a batch that is sent again does not write them to the
   * rejected topic twice. Created for the first refused event.
   */
  #rejectedClaims: DedupeClaims | undefined
  /** The refused events, in order. */
  readonly bad: BadEvent[] = []
  /** The number of keys in `integrations` that are no destination. */
  unknownNames = 0

  constructor(options: PipelineOptions, request: IngestRequest, facts: RequestFacts) {
    const { body } = request
    this.#options = options
    this.#request = request
    this.#facts = facts
    this.#writer = new LineWriter(body.bytes.length + body.events.length * EXPECTED_EXTRA_BYTES, options.bufferPool)
    this.#encoder = new EventEncoder(this.#writer, facts)
  }

  /** The number of bytes written. A line counts once, however many topics it has. */
  get length(): number {
    return this.#writer.length
  }

  /** Routes and writes one event, unless it is a duplicate, is being published by another request, or was ended by a rule. */
  write(event: GoodEvent | BadEvent, entry: EventEntry): void {
    entry.lineStart = this.#writer.length
    if (entry.verdict !== undefined) entry.setTexts(entry.verdict.messageId, '')
    else if (event.fault !== undefined) this.#writeBad(entry, event)
    else if (entry.outcome !== 'duplicate' && entry.awaited === undefined) this.#writeGood(entry, event)
    entry.lineEnd = this.#writer.length
  }

  /** The buffer with all lines; read it only after the last write. */
  get block(): Buffer {
    return this.#writer.block
  }

  /** The written lines are durable: keeps the claims of refused events. */
  commit(): void {
    this.#rejectedClaims?.commit()
  }

  /** The written lines are not durable: drops the claims of refused events. A sink may still read the block. */
  abort(): void {
    this.#rejectedClaims?.abort()
  }

  /** Releases the block to the pool; nothing may read it any more. */
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
    // The client is not told that a rule has blocked an event.
    if (event.isBlocked !== true) this.bad.push(event)
    const value = asObject(event.value) ?? {}
    entry.setTexts(typeof value['messageId'] === 'string' ? value['messageId'] : '', partitionKeyOf(value))
    const { source, body } = this.#facts
    this.#rejectedClaims ??= this.#options.dedupe.begin(`${source}.rejected`)
    const why = Buffer.from(`${event.fault.code} ${event.type} `)
    const receivedBytes = Buffer.concat([why, event.withheld ?? body.bytes.subarray(entry.start, entry.end)])
    const claim = this.#rejectedClaims.claim(receivedBytes, 0, receivedBytes.length)
    if (claim === 'duplicate') return
    if (claim !== 'new') entry.awaited = claim
    else {
      entry.topics = this.#options.router().rejectedTopics(source, event.type)
      encodeRejected(this.#writer, event, this.#facts, this.#request.writeKey)
    }
  }

  /** The event's integrations merged with the batch's; the event's own keys take precedence. */
  #integrationsOf({ pattern }: GoodEvent): JsonObject | undefined {
    const own = asObject(pattern.integrations)
    const shared = this.#facts.body.envelope.integrations?.value
    return own === undefined || shared === undefined ? (own ?? shared) : { ...shared, ...own }
  }
}
