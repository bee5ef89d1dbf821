/**
 * Why a destination does not get an event, in the order in which the rules are asked: the first that says no is the
 * one that is counted.
 */
export const FILTER_RULES = ['disabled', 'source', 'type', 'events', 'sample', 'consent', 'integrations'] as const

export type FilterRule = (typeof FILTER_RULES)[number]

/** Where an event goes. One object stands for all events that go the same way, so it can be counted by identity. */
export interface Route {
  /** Every topic, each once, the events topic first. */
  readonly topics: readonly string[]
  /** The destinations that get it, by name. */
  readonly destinations: readonly string[]
  /** The others; together they are all destinations of the configuration. */
  readonly filtered: readonly { readonly destination: string; readonly rule: FilterRule }[]
}

/** How many events of one request went one way, by whether they became durable. */
export interface RouteCount {
  readonly route: Route
  readonly accepted: number
  readonly failed: number
}
