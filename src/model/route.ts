import type { EventType } from './event-types.ts'

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

/** What a configuration of destinations says about one event and one destination. */
export interface RouteReason {
  readonly destination: string
  /** Its topic for this event. */
  readonly topic: string
  /** The first rule that excludes the event; null if none does. */
  readonly rule: FilterRule | 'not_configured' | null
  /** The rule in words, with what the event has; if none excludes it, an empty string, or what else is to be said. */
  readonly why: string
}

/** What is known about the routing of an event. */
export interface RouteExplanation {
  /**
   * Whose destinations these are: those in force when the event was routed (`then`), or, if these are not known any more, those
   * in force now.
   */
  readonly by: 'then' | 'now'
  /** Whether the destinations have changed since; null if that is not known. */
  readonly changed: boolean | null
  /** The same in words. */
  readonly says: string
  /** One for each destination, in the order of the configuration. */
  readonly reasons: readonly RouteReason[]
}

/** The facts of an event that routing depends on. */
export interface RoutedFacts {
  readonly source: string
  readonly type: EventType
  /** When it was routed, in milliseconds since the epoch. */
  readonly at: number
  /** The published event. */
  readonly event: Readonly<Record<string, unknown>>
}

/** Says how an event was routed, and why. Computed when it is asked for: nothing is kept for each event. */
export interface ExplainRoute {
  (facts: RoutedFacts): RouteExplanation
  /** The names of the destinations in force at a time, or now if these are not known any more. */
  readonly namesAt: (at: number) => readonly string[]
  /** Whether destinations get events at all. Without Kafka they do not. */
  readonly hasKafka: boolean
}
