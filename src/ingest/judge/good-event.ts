import { randomUUID } from 'node:crypto'
import { parseDateTimeBytes } from '../../contract/date-time.ts'
import type { EventType } from '../../model/event-types.ts'
import type { JsonObject, ParsedBody } from '../parse/body.ts'
import type { Pattern } from './pattern.ts'
import { NOWHERE } from './pattern.ts'
import { asObject } from '../parse/body.ts'
import { KEY } from '../parse/known-keys.ts'
import type { ConsentSigns } from '../route/consent.ts'
import type { RoutedEvent } from '../route/candidates.ts'
import type { Scan } from '../parse/scan-result.ts'
import { toInstant } from '../parse/time.ts'

const CONSENT_MEMBERS = ['consent', 'consentManagement'] as const

/** Who is told where texts of an event stand, as in an OutgoingRecord. */
export interface Texts {
  texts: Buffer
  idStart: number
  idEnd: number
  keyStart: number
  keyEnd: number
  takeTexts(messageId: string, key: string): void
}

/** An event that passed: its bytes, and the pattern that it follows. Nothing of it is made before it is asked for. */
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
   * Tells `to` where the event's messageId and key stand: in the body, where they can be had there. Where the client sent
   * no messageId, it gets `made`, or else a new one; null and a text of blanks only count as none.
   */
  writeKeySpans(to: Texts, made?: string): void {
    const { messageIdAt, keyAt } = this.pattern
    if (!this.#isPlain(messageIdAt) || (keyAt !== NOWHERE && !this.#isPlain(keyAt))) {
      to.takeTexts(this.#textAt(messageIdAt) ?? made ?? randomUUID(), this.key())
      return
    }
    to.texts = this.#body.bytes
    to.idStart = this.scan.valueStartAt(messageIdAt) + 1
    to.idEnd = this.scan.valueEndAt(messageIdAt) - 1
    if (keyAt === NOWHERE) return
    to.keyStart = this.scan.valueStartAt(keyAt) + 1
    to.keyEnd = this.scan.valueEndAt(keyAt) - 1
  }

  #isPlain(place: number): boolean {
    return place !== NOWHERE && this.scan.isPlainAt(place)
  }

  key(): string {
    return this.#textAt(this.pattern.keyAt) ?? ''
  }

  name(): string | undefined {
    return this.#textAt(this.pattern.nameAt)
  }

  /** Its own context over the batch's, member by member. */
  consent(): ConsentSigns {
    const outline = asObject(this.pattern.context)
    const shared = this.#body.envelope.context?.value ?? {}
    const isOwn = outline !== undefined && CONSENT_MEMBERS.some(name => Object.hasOwn(outline, name))
    const place = isOwn ? this.scan.find(KEY.context) : NOWHERE
    if (place === NOWHERE) return { consent: shared['consent'], consentManagement: shared['consentManagement'] }
    const text = this.#body.text(this.scan.valueStartAt(place), this.scan.valueEndAt(place))
    const { consent, consentManagement } = { ...shared, ...(JSON.parse(text) as JsonObject) }
    return { consent, consentManagement }
  }

  /** All of it. */
  value(): JsonObject {
    return JSON.parse(this.#body.text(this.scan.start, this.scan.end)) as JsonObject
  }

  /** The instant that the value at a place names; NaN where it names none, and for NOWHERE. */
  instantAt(place: number): number {
    if (place === NOWHERE) return Number.NaN
    const [start, end] = [this.scan.valueStartAt(place), this.scan.valueEndAt(place)]
    if (this.scan.isPlainAt(place)) return parseDateTimeBytes(this.#body.bytes, start + 1, end - 1)
    return toInstant(JSON.parse(this.#body.text(start, end)))
  }

  /** The string that stands at a place; undefined for NOWHERE. */
  #textAt(place: number): string | undefined {
    if (place === NOWHERE) return undefined
    const [start, end] = [this.scan.valueStartAt(place), this.scan.valueEndAt(place)]
    if (this.scan.isPlainAt(place)) return this.#body.ownText(start + 1, end - 1)
    return JSON.parse(this.#body.text(start, end)) as string
  }
}
