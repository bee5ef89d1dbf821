import type { EventDetail } from '../../debugger/ring/detail.ts'
import type { AdminClient } from '../admin-client.ts'
import { UsageError } from '../command.ts'

/** The API's limits. */
const MAX_LIMIT = 1_000
const MAX_WAIT_MS = 60_000

/** A property and the value that it must have. */
export interface Wanted {
  /** Keys joined by dots, from the event on: `properties.currency`. */
  readonly path: string
  readonly value: unknown
}

/**
 * Parses `properties.total=12.5` or `properties.plan=pro`: the value is JSON if it is valid JSON, otherwise text. Throws
 * UsageError for a text without a path.
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
  /** The filters as query parameters of the API. */
  readonly query: URLSearchParams
  readonly wanted: readonly Wanted[]
  /** Only events with a greater seq count. */
  readonly after: number
  /** The number of events to wait for; at most 1,000. */
  readonly count: number
  readonly timeoutMs: number
}

/**
 * Resolves with the matching events, oldest first, as soon as there are `count` of them, or with those there are when the time
 * is up. Rejects as AdminClient.get() does.
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
    // The events so far do not match, so wait for at least one more.
    enough = Math.min(MAX_LIMIT, Math.max(count, all.length + 1))
  }
}

/** All events that match the filters. The first request waits; the others fetch events that did not fit into its answer. */
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
