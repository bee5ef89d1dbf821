import type { GoodEvent } from '../../ingest/judge/good-event.ts'
import type { ParsedBody } from '../../ingest/parse/body.ts'
import { asObject } from '../../ingest/parse/body.ts'
import { KEY } from '../../ingest/parse/known-keys.ts'
import { KIND } from '../../ingest/parse/scan-result.ts'

/**
 * Reads `context.userAgent` of the events of one request: the event's own, else the batch's. The events of a batch
 * often have the same context, which is parsed once.
 */
export class UserAgents {
  readonly #body: ParsedBody
  readonly #shared: unknown
  #text = ''
  #own: unknown

  constructor(body: ParsedBody) {
    this.#body = body
    this.#shared = body.envelope.context?.value?.['userAgent']
  }

  /** Undefined if there is none, or if it is not a string. */
  of({ scan }: GoodEvent): string | undefined {
    const place = scan.find(KEY.context)
    const isObject = place >= 0 && scan.kindAt(place) === KIND.object
    const own = isObject ? this.#ownIn(this.#body.text(scan.valueStartAt(place), scan.valueEndAt(place))) : undefined
    const userAgent = own === undefined ? this.#shared : own
    return typeof userAgent === 'string' ? userAgent : undefined
  }

  /** @param context the JSON of an object */
  #ownIn(context: string): unknown {
    // A key may contain escapes.
    if (!context.includes('"userAgent"') && !context.includes('\\')) return undefined
    if (context !== this.#text) {
      this.#text = context
      this.#own = asObject(JSON.parse(context))?.['userAgent']
    }
    return this.#own
  }
}
