import type { Background } from '../../model/background.ts'
import type { Matcher } from './filter.ts'
import { matching } from './search.ts'
import type { StoredEvent } from './ring.ts'

/** What the events of one answer may take, in bytes of JSON: it is copied as a whole when it is sent. */
const MAX_EVENTS_BYTES = 512 * 1024

/** JSON texts that go into one answer, until they are too many bytes. */
export interface AnswerPart {
  readonly texts: readonly string[]
  /** Takes a value in, unless there is no room for it; the first one always fits. */
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
  /** Each is JSON. */
  readonly texts: readonly string[]
  /** The `seq` behind which there may be more, in the same direction; null: there are none. */
  readonly next: number | null
}

/** The first events that match, as JSON, as many as were asked for and fit into one answer. */
export async function listEvents(
  events: Iterable<StoredEvent>,
  wanted: {
    readonly matches: Matcher
    readonly limit: number
    readonly background: Background
    readonly signal: AbortSignal
    /** What is told of an event. */
    readonly show: (stored: StoredEvent) => object | Promise<object>
  }
): Promise<ListedEvents> {
  const part = createAnswerPart()
  let last: number | null = null
  for await (const stored of matching(events, wanted)) {
    if (!part.add(await wanted.show(stored))) return { texts: part.texts, next: last }
    last = stored.seq
    if (part.texts.length >= wanted.limit) return { texts: part.texts, next: last }
  }
  return { texts: part.texts, next: null }
}

/** The JSON of an object whose member `name` is a list of texts that are JSON already. */
export function withTexts(name: string, texts: readonly string[], rest: object): string {
  const others = JSON.stringify(rest)
  return `{"${name}":[${texts.join(',')}]${others === '{}' ? '}' : `,${others.slice(1)}`}`
}
