import type { ConsentRule } from '../../model/destination.ts'
import type { Route } from '../../model/route.ts'
import type { JsonObject } from '../parse/body.ts'
import type { ConsentSigns } from './consent.ts'

/** A destination, for the events of one source and one type. */
export interface Candidate {
  readonly name: string
  /** With `{type}` and `{source}` filled in. */
  readonly topic: string
  /** Whether the destination accepts a track event by its name; undefined: it accepts all events. */
  readonly takesName: ((name: string) => boolean) | undefined
  /** The sampled part of all users, from 0 to 1. */
  readonly rate: number
  /** The consent that the user must have given; undefined: none. */
  readonly consent: ConsentRule | undefined
}

/** The destinations that may still get an event, and those that were filtered out, with the rule. */
export interface RoutingCandidates {
  readonly eventsTopic: string
  readonly candidates: readonly Candidate[]
  readonly filtered: Route['filtered']
}

/** What the router reads of an event. It calls these methods only if the result matters, because each creates strings. */
export interface RoutedEvent {
  /** The name of a track call; undefined if there is none. */
  name(): string | undefined
  /** The partition key. */
  key(): string
  /** The consent in the event's context. */
  consent(): ConsentSigns
}

/** The decisions that depend on the event. Their cost does not depend on the number of destinations. */
export interface RoutePlan {
  route(event: RoutedEvent, integrations: JsonObject | undefined): Route
}
