/** Numbers of events, by server. */
export type Cursor = Readonly<Record<string, number>>

/** A request to the merged view. */
export interface FleetQuery {
  /** The only server that is wanted; undefined: all. */
  readonly server: string | undefined
  /** `after` by server. */
  readonly after: Cursor
  readonly limit: number | undefined
  /** The filters alone, as in a URL. */
  readonly filters: string
  /** The path and query for one server. */
  readonly pathFor: (server: string) => string
  /** Whether a server is wanted: by name, and where `before` is by server, because it has more. */
  readonly isWanted: (server: string) => boolean
}

/** Splits the query of a request with `?scope=fleet` into what is for this server and what is for all. */
export function readFleetQuery(requestUrl: string): FleetQuery {
  const url = new URL(requestUrl, 'http://server')
  const { searchParams, pathname } = url
  const server = searchParams.get('server') ?? undefined
  const limit = searchParams.get('limit')
  for (const name of ['scope', 'server']) searchParams.delete(name)
  const before = readCursor(searchParams.get('before'))
  if (before !== undefined) searchParams.delete('before')
  const shared = searchParams.toString()
  const after = readCursor(searchParams.get('after')) ?? {}
  searchParams.delete('after')
  return {
    server,
    after,
    limit: limit === null ? undefined : Number(limit),
    filters: searchParams.toString(),
    isWanted: name =>
      (server === undefined || server === name) && (before === undefined || Object.hasOwn(before, name)),
    pathFor: name => `${pathname}?${shared}${before?.[name] === undefined ? '' : `&before=${before[name]}`}`
  }
}

/** Why the list of all servers cannot be as the query wants it; undefined if it can. */
export function fleetListFault(requestUrl: string): string | undefined {
  const { searchParams } = new URL(requestUrl, 'http://server')
  const isSet = (name: string): boolean => (searchParams.get(name) ?? '') !== ''
  const fault = searchParams.getAll('order').includes('asc') ? 'order=asc' : ['wait', 'count'].find(isSet)
  if (fault === undefined) return undefined
  return `${fault} is only for one server: leave out scope=fleet, or follow /api/stream?scope=fleet`
}

/** By server the number of an event, as JSON. What is no such number is left out; undefined for a text that is no object. */
function readCursor(text: string | null): Cursor | undefined {
  try {
    const read: unknown = JSON.parse(text ?? '')
    if (typeof read !== 'object' || read === null || Array.isArray(read)) return undefined
    const entries = Object.entries(read).filter(([, number]) => Number.isSafeInteger(number) && Number(number) >= 0)
    return Object.fromEntries(entries)
  } catch {
    return undefined
  }
}
