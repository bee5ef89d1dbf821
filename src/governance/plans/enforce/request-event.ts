import type { GoodEvent } from '../../../ingest/judge/good-event.ts'
import type { ParsedBody } from '../../../ingest/parse/body.ts'
import { asObject } from '../../../ingest/parse/body.ts'
import { KEY } from '../../../ingest/parse/known-keys.ts'
import type { PlannedEvent } from '../judge/compiled-plan.ts'
import { payload, SET_BY_SERVER } from '../judge/planned-value.ts'
import type { MemberPath } from '../schema/shape.ts'

const MAX_SDK_CHARS = 200
const NUMBERS: ReadonlyMap<string, number> = new Map(Object.entries(KEY))

/**
 * The events of a request, one after the other, in the form that plans examine. Only the requested members are parsed,
 * and what events share is parsed once.
 */
export class RequestEvent implements PlannedEvent {
  readonly #body: ParsedBody
  #event!: GoodEvent
  /** The last parsed member of the event. */
  #key = ''
  #value: unknown
  /** The text of the previous event's context. */
  #contextText = ''
  #context: unknown

  constructor(body: ParsedBody) {
    this.#body = body
  }

  at(event: GoodEvent): this {
    this.#event = event
    this.#key = ''
    return this
  }

  get type(): PlannedEvent['type'] {
    return this.#event.type
  }

  name(): string | undefined {
    const name = this.#read(this.type === 'track' ? 'event' : 'name')
    return typeof name === 'string' ? name : undefined
  }

  member(key: string): unknown {
    if (key === 'type') return this.type
    if (key === 'context') return this.#mergedContext()
    if (key === this.#key) return this.#value
    const own = payload(key, this.#read(key))
    this.#key = key
    this.#value = own ?? (key === 'integrations' ? this.#shared(key) : SET_BY_SERVER[key])
    return this.#value
  }

  whole(): unknown {
    const own = this.#event.value()
    const context = this.#mergedContext()
    const integrations = { ...this.#shared('integrations'), ...asObject(own['integrations']) }
    return {
      ...SET_BY_SERVER,
      ...own,
      type: this.type,
      ...(context === undefined ? {} : { context }),
      ...(Object.keys(integrations).length === 0 ? {} : { integrations })
    }
  }

  /** Whether the batch has the member for all its events, so that it reappears after the event's own is left out. */
  isShared([top, key]: MemberPath): boolean {
    return top === 'context' && Object.hasOwn(this.#shared('context') ?? {}, String(key))
  }

  /** The sender as the event states it: its messageId and SDK. */
  sender(): { readonly messageId: string; readonly sdk: string } {
    const messageId = this.#read('messageId')
    const library = asObject(asObject(this.#mergedContext())?.['library'])
    const words = [library?.['name'], library?.['version']].filter(word => typeof word === 'string')
    const sdk = words.join(' ').slice(0, MAX_SDK_CHARS) || 'unknown'
    return { messageId: typeof messageId === 'string' ? messageId : '', sdk }
  }

  #mergedContext(): unknown {
    const text = this.#text('context')
    const shared = this.#shared('context')
    if (text === undefined) return shared
    if (text !== this.#contextText) {
      const own = payload('context', JSON.parse(text) as unknown)
      this.#context = shared === undefined || own === undefined ? (own ?? shared) : { ...shared, ...(own as object) }
      this.#contextText = text
    }
    return this.#context
  }

  #shared(key: 'context' | 'integrations') {
    return this.#body.envelope[key]?.value
  }

  #read(key: string): unknown {
    const text = this.#text(key)
    if (text === undefined) return undefined
    // Most names have no escapes; JSON.parse would copy them.
    return text.startsWith('"') && !text.includes('\\') ? text.slice(1, -1) : JSON.parse(text)
  }

  #text(key: string): string | undefined {
    const { scan } = this.#event
    const number = NUMBERS.get(key)
    const place = number === undefined ? placeOf(scan, key) : scan.find(number)
    return place < 0 ? undefined : this.#body.text(scan.valueStartAt(place), scan.valueEndAt(place))
  }
}

/** The place of a key that no SDK sends. */
function placeOf(scan: GoodEvent['scan'], key: string): number {
  for (let place = 0; place < scan.size; place++) if (scan.keyAt(place) === key) return place
  return -1
}
