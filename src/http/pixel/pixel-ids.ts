import { hash } from 'node:crypto'

/** A request that comes again within that time is the same one. */
const REPEATED_WITHIN_MS = 1_000
/** Requests that are remembered of each of two seconds; ids of more depend on the second alone. */
const MAX_REMEMBERED = 10_000

/** The id of an event that was shown without one, from all that tells its request from others. */
export type PixelIds = (...facts: readonly string[]) => string

/**
 * Ids for pixels without a messageId: proxies send a GET again where its connection was dropped (RFC 9110, 9.2.2, allows
 * it), and that is one event. The id is made of the facts and the second, so that other servers come to the same; a
 * repetition in the next second, less than a second later, gets the id of the first.
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
