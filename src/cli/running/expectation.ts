import type { EventDetail } from '../../debugger/ring/detail.ts'
import type { AdminClient } from '../admin-client.ts'
import { UsageError } from '../command.ts'

/** The API's own limits. */
const MAX_LIMIT = 1_000
const MAX_WAIT_MS = 60_000

/** A property and the value that it must have. */
export interface Wanted {
  /** Keys joined by dots, from the event on: `properties.currency`. */
  readonly path: string
  readonly value: unknown
}

/**
 * `properties.total=12.5`, `properties.plan=pro`: the value is JSON where it is JSON, else a text. Throws UsageError for what has no path.
 */
export function parseWanted(text: string): Wanted {
  const at = text.indexOf('=')
  if (at < 1) throw new UsageError(`--where "${text}" must be a path and a value, such as properties.plan=pro`)
  return { path: text.slice(0, at), value: jsonOrText(text.slice(at + 1)) }
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

function has(event: unknown, { path, value }: Wanted): boolean {
  let at = event
  for (const key of path.split('.')) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return false
    at = (at as Record<string, unknown>)[key]
  }
  return JSON.stringify(at) === JSON.stringify(value)
}

export interface Expectation {
  readonly client: AdminClient
  /** The filters, as the API has them. */
  readonly query: URLSearchParams
  readonly wanted: readonly Wanted[]
  /** Events up to and including this seq do not count. */
  readonly after: number
  /** So many are enough; at most 1,000. */
  readonly count: number
  readonly timeoutMs: number
}

/**
 * The events that fit, oldest first, as soon as there are `count` of them, or those there are when the time is up. Rejects as
 * AdminClient.get() does.
 */
export async function waitForExpected(expectation: Expectation): Promise<readonly EventDetail[]> {
  const { count, timeoutMs, wanted } = expectation
  const end = performance.now() + timeoutMs
  let enough = count
  for (;;) {
    const left = Math.max(0, end - performance.now())
    const all = await eventsOf(expectation, { count: enough, waitMs: Math.min(left, MAX_WAIT_MS) })
    const fitting = all.filter(({ payload }) => wanted.every(one => has(payload, one)))
    if (fitting.length >= count || left === 0) return fitting
    // Those that are there do not fit: only one more can change that.
    enough = Math.min(MAX_LIMIT, Math.max(count, all.length + 1))
  }
}

/** All that match the filters. The first question waits, the others take what had no room in its answer. */
async function eventsOf(
  { client, query, after }: Expectation,
  { count, waitMs }: { readonly count: number; readonly waitMs: number }
): Promise<readonly EventDetail[]> {
  const events: EventDetail[] = []
  const fixed = `${String(query)}&order=asc&detail=true&limit=${MAX_LIMIT}`
  let path = `/api/events?${fixed}&after=${after}&count=${count}&wait=${Math.ceil(waitMs)}ms`
  for (;;) {
    const answer = (await (await client.get(path, waitMs)).json()) as Answer
    events.push(...answer.events)
    if (answer.next === null) return events
    path = `/api/events?${fixed}&after=${answer.next}`
  }
}

interface Answer {
  readonly events: readonly EventDetail[]
  readonly next: number | null
}
