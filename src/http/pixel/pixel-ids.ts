import { hash } from 'node:crypto'

/** An equal request within this time is a repetition. */
const REPEATED_WITHIN_MS = 1_000
/** The most requests that are remembered for each of two seconds; the ids of further requests depend on the second alone. */
const MAX_REMEMBERED = 10_000

/** Returns the id of an event without a messageId, from the facts that distinguish its request from others. */
export type PixelIds = (...facts: readonly string[]) => string

/**
 * Creates ids for pixels without a messageId. A proxy may send a GET again if its connection was dropped (RFC 9110, 9.2.2),
 * and both requests are one event. The id is a digest of the facts and the second, so that other servers compute the same
 * id. A repetition within a second, but in the next calendar second, gets the first request's id.
 *
 * @param now milliseconds since 1970
 */
export function createPixelIds(now: () => number): PixelIds {
  let second = 0
  let previous = new Map<string, number>()
  let current = new Map<string, number>()

  return (...facts) => {
    const time = now()
    if (Math.floor(time / 1000) !== second) {
      previous = Math.floor(time / 1000) === second + 1 ? current : new Map()
      current = new Map()
      second = Math.floor(time / 1000)
    }
    const request = digest(facts)
    const before = current.get(request) ?? previous.get(request)
    const isRepeated = before !== undefined && time - before < REPEATED_WITHIN_MS
    const first = isRepeated ? before : time
    if (!isRepeated && current.size < MAX_REMEMBERED) current.set(request, first)
    return `pixel-${digest([request, String(Math.floor(first / 1000))])}`
  }
}

function digest(facts: readonly string[]): string {
  return hash('sha256', JSON.stringify(facts), 'base64url').slice(0, 32)
}
