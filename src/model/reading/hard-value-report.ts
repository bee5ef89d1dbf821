import type { HardValueKind } from './hard-values.ts'
import { findHardValues } from './hard-values.ts'

/** The number of events with a hard value at one place. */
export interface HardValueCount {
  /** The name of a track call; otherwise the type and the name. */
  readonly event: string
  readonly path: string
  readonly kind: HardValueKind
  count: number
  /** The messageId of the latest event. */
  messageId: string
}

/** The most places. Findings at further places are only counted in `omitted`. */
const MAX_PLACES = 1_000
const MAX_NAME_CHARS = 200

/** Counts hard values by event, path and kind, in bounded memory. */
export class HardValueReport {
  events = 0
  /** The number of findings at places beyond the limit. */
  omitted = 0
  readonly #counts = new Map<string, HardValueCount>()

  /** @param text the JSON of one event, as it was published */
  add(text: string): void {
    this.events++
    const found = findHardValues(text)
    if (found.length === 0) return
    const { event, messageId } = named(text)
    for (const { path, kind } of found) {
      const key = JSON.stringify([event, path, kind])
      const known = this.#counts.get(key)
      if (known !== undefined) {
        known.count++
        known.messageId = messageId
      } else if (this.#counts.size < MAX_PLACES) this.#counts.set(key, { event, path, kind, count: 1, messageId })
      else this.omitted++
    }
  }

  /** Most frequent first. */
  list(): readonly HardValueCount[] {
    return [...this.#counts.values()].toSorted((a, b) => b.count - a.count)
  }
}

/** The text was valid JSON when it was accepted. An event that was damaged since then has no name. */
function named(text: string): { readonly event: string; readonly messageId: string } {
  let value: Readonly<Record<string, unknown>> = {}
  try {
    value = JSON.parse(text) as typeof value
  } catch {
    // Has no name.
  }
  const { type, event, name, messageId } = value
  const own = typeof event === 'string' ? event : [type, name].filter(word => typeof word === 'string').join(' ')
  return { event: own.slice(0, MAX_NAME_CHARS), messageId: typeof messageId === 'string' ? messageId : '' }
}
