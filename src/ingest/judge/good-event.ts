import { randomUUID } from 'node:crypto'
import { parseDateTimeBytes } from '../../contract/date-time.ts'
import type { EventType } from '../../model/event-types.ts'
import type { JsonObject, ParsedBody } from '../parse/body.ts'
import type { Pattern } from './pattern.ts'
import { NO_POSITION } from './pattern.ts'
import { asObject } from '../parse/body.ts'
import { KEY } from '../parse/known-keys.ts'
import type { ConsentSigns } from '../route/consent.ts'
import type { RoutedEvent } from '../route/candidates.ts'
import type { Scan } from '../parse/scan-result.ts'
import { toInstant } from '../parse/time.ts'

const CONSENT_MEMBERS = ['consent', 'consentManagement'] as const

/** Receives the positions of an event's messageId and partition key, as in an OutgoingRecord. */
export interface Texts {
  texts: Buffer
  idStart: number
  idEnd: number
  keyStart: number
  keyEnd: number
  setTexts(messageId: string, key: string): void
}

/** A valid event: its bytes and its pattern. Strings and objects are created only on demand. */
export class GoodEvent implements RoutedEvent {
  readonly scan: Scan
  readonly pattern: Pattern
  readonly fault = undefined
  readonly #body: ParsedBody

  constructor(scan: Scan, body: ParsedBody, pattern: Pattern) {
    this.scan = scan
    this.pattern = pattern
    this.#body = body
  }

  get type(): EventType {
    return this.pattern.type
  }

  /**
   * Writes the positions of the event's messageId and partition key to `to`: in the body, if both are there without escapes,
   * otherwise in a new buffer. A missing messageId is replaced by `made` or by a new UUID; null and a blank text count as
   * missing.
   */
  writeKeySpans(to: Texts, made?: string): void {
    const { messageIdAt, keyAt } = this.pattern
    if (!this.#isPlain(messageIdAt) || (keyAt !== NO_POSITION && !this.#isPlain(keyAt))) {
      to.setTexts(this.#textAt(messageIdAt) ?? made ?? randomUUID(), this.key())
      return
    }
    to.texts = this.#body.bytes
    to.idStart = this.scan.valueStartAt(messageIdAt) + 1
    to.idEnd = this.scan.valueEndAt(messageIdAt) - 1
    if (keyAt === NO_POSITION) return
    to.keyStart = this.scan.valueStartAt(keyAt) + 1
    to.keyEnd = this.scan.valueEndAt(keyAt) - 1
  }

  #isPlain(place: number): boolean {
    return place !== NO_POSITION && this.scan.isPlainAt(place)
  }

  /** The partition key: userId, otherwise anonymousId, otherwise an empty string. */
  key(): string {
    return this.#textAt(this.pattern.keyAt) ?? ''
  }

  /** The name of a track event; undefined if there is none. */
  name(): string | undefined {
    return this.#textAt(this.pattern.nameAt)
  }

  /** The consent members of the event's context merged with the batch's context; the event's own members take precedence. */
  consent(): ConsentSigns {
    const outline = asObject(this.pattern.context)
    const shared = this.#body.envelope.context?.value ?? {}
    const isOwn = outline !== undefined && CONSENT_MEMBERS.some(name => Object.hasOwn(outline, name))
    const place = isOwn ? this.scan.find(KEY.context) : NO_POSITION
    if (place === NO_POSITION) return { consent: shared['consent'], consentManagement: shared['consentManagement'] }
    const text = this.#body.text(this.scan.valueStartAt(place), this.scan.valueEndAt(place))
    const { consent, consentManagement } = { ...shared, ...(JSON.parse(text) as JsonObject) }
    return { consent, consentManagement }
  }

  /** The whole event, parsed. */
  value(): JsonObject {
    return JSON.parse(this.#body.text(this.scan.start, this.scan.end)) as JsonObject
  }

  /** The date-time at a place in milliseconds since the epoch; NaN if the value is none, and for NO_POSITION. */
  instantAt(place: number): number {
    if (place === NO_POSITION) return Number.NaN
    const [start, end] = [this.scan.valueStartAt(place), this.scan.valueEndAt(place)]
    if (this.scan.isPlainAt(place)) return parseDateTimeBytes(this.#body.bytes, start + 1, end - 1)
    return toInstant(JSON.parse(this.#body.text(start, end)))
  }

  /** The string at a place; undefined for NO_POSITION. */
  #textAt(place: number): string | undefined {
    if (place === NO_POSITION) return undefined
    const [start, end] = [this.scan.valueStartAt(place), this.scan.valueEndAt(place)]
    if (this.scan.isPlainAt(place)) return this.#body.ownText(start + 1, end - 1)
    return JSON.parse(this.#body.text(start, end)) as string
  }
}
