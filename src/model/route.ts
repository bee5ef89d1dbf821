/**
 * The rules that can exclude a destination, in the order in which they are checked. The first one that excludes it is counted.
 */
export const FILTER_RULES = ['disabled', 'source', 'type', 'events', 'sample', 'consent', 'integrations'] as const

export type FilterRule = (typeof FILTER_RULES)[number]

/** The topics and destinations of an event. Events with the same ones share one object, so that routes are counted by identity. */
export interface Route {
  /** The topics, each once, the events topic first. */
  readonly topics: readonly string[]
  /** The names of the destinations that get the event. */
  readonly destinations: readonly string[]
  /** All other destinations of the configuration, with the rule that excludes each. */
  readonly filtered: readonly { readonly destination: string; readonly rule: FilterRule }[]
}

/** The number of events of a request with one route, by whether they became durable. */
export interface RouteCount {
  readonly route: Route
  readonly accepted: number
  readonly failed: number
}
