import type { ConsentRule } from '../../model/destination.ts'
import type { Route } from '../../model/route.ts'
import type { JsonObject } from '../parse/body.ts'
import type { ConsentSigns } from './consent.ts'

/** A destination as far as one source and one type of event are concerned. */
export interface Candidate {
  readonly name: string
  /** Filled in. */
  readonly topic: string
  /** Which track calls, by their name; undefined for all of them, and for the other types. */
  readonly takesName: ((name: string) => boolean) | undefined
  /** Of all users, from 0 to 1. */
  readonly rate: number
  /** What the user must have consented to; undefined: nothing. */
  readonly consent: ConsentRule | undefined
}

/** The destinations that are still in question, and those that have dropped out. */
export interface RoutingCandidates {
  readonly eventsTopic: string
  readonly candidates: readonly Candidate[]
  readonly filtered: Route['filtered']
}

/** What is asked of an event itself; only where it decides, since each answer is a string that has to be made. */
export interface RoutedEvent {
  /** The name of a track call; undefined where it has none. */
  name(): string | undefined
  /** What Kafka partitions by. */
  key(): string
  /** What it says of consent. */
  consent(): ConsentSigns
}

/** What is left to be asked of an event. What that costs does not depend on how many destinations there are. */
export interface RoutePlan {
  route(event: RoutedEvent, integrations: JsonObject | undefined): Route
}
