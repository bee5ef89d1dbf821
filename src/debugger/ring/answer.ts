import type { Background } from '../../model/background.ts'
import type { Matcher } from './filter.ts'
import { matchingEvents } from './search.ts'
import type { StoredEvent } from './ring.ts'

/** The most bytes of JSON for the events of one answer, because the whole answer is copied when it is sent. */
const MAX_EVENTS_BYTES = 512 * 1024

/** Collects JSON texts for one answer up to a limit of bytes. */
export interface AnswerPart {
  readonly texts: readonly string[]
  /** Adds a value, and returns true if it fits. The first value always fits. */
  add(value: unknown): boolean
}

export function createAnswerPart(maxBytes = MAX_EVENTS_BYTES): AnswerPart {
  const texts: string[] = []
  let bytes = 0
  return {
    texts,
    add(value) {
      const text = JSON.stringify(value)
      bytes += Buffer.byteLength(text)
      if (bytes > maxBytes && texts.length > 0) return false
      texts.push(text)
      return true
    }
  }
}

export interface ListedEvents {
  /** The added values, each as JSON. */
  readonly texts: readonly string[]
  /** The `seq` after which there may be more, in the same direction; null: there are none. */
  readonly next: number | null
}

/** The first matching events as JSON: as many as were requested and fit into one answer. */
export async function listEvents(
  events: Iterable<StoredEvent>,
  wanted: {
    readonly matches: Matcher
    readonly limit: number
    readonly background: Background
    readonly signal: AbortSignal
    /** Makes the value that the answer has for an event. */
    readonly show: (stored: StoredEvent) => object | Promise<object>
  }
): Promise<ListedEvents> {
  const part = createAnswerPart()
  let last: number | null = null
  for await (const stored of matchingEvents(events, wanted)) {
    if (!part.add(await wanted.show(stored))) return { texts: part.texts, next: last }
    last = stored.seq
    if (part.texts.length >= wanted.limit) return { texts: part.texts, next: last }
  }
  return { texts: part.texts, next: null }
}

/** The JSON of `rest` with one more member `name`: an array of texts that are JSON already. */
export function withTexts(name: string, texts: readonly string[], rest: object): string {
  const others = JSON.stringify(rest)
  return `{"${name}":[${texts.join(',')}]${others === '{}' ? '}' : `,${others.slice(1)}`}`
}
