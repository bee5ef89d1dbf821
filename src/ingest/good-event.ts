import { randomUUID } from 'node:crypto'
import { parseDateTimeBytes } from '../contract/date-time.ts'
import type { EventType } from '../model/event-types.ts'
import type { JsonObject, ParsedBody } from './body.ts'
import type { Pattern } from './pattern.ts'
import { NOWHERE } from './pattern.ts'
import type { RoutedEvent } from './route-plan.ts'
import type { Scan } from './scan-result.ts'
import { toInstant } from './time.ts'

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

  /** The messageId that the client sent, or a new one each time. Null and the empty string count as absent. */
  messageId(): string {
    return this.#textAt(this.pattern.messageIdAt) ?? randomUUID()
  }

  key(): string {
    return this.#textAt(this.pattern.keyAt) ?? ''
  }

  name(): string | undefined {
    return this.#textAt(this.pattern.nameAt)
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
