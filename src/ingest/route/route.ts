import type { Destination, EventNames } from '../../model/destination.ts'
import { EVENT_TYPES } from '../../model/event-types.ts'
import type { EventType } from '../../model/event-types.ts'
import type { FilterRule, Route } from '../../model/route.ts'
import type { JsonObject } from '../parse/body.ts'
import type { Candidate, RoutePlan, RoutedEvent } from './candidates.ts'
import { makeRoutePlan } from './route-plan.ts'
import { placeOfUser } from './route-sample.ts'

export interface RouteConfig {
  /** All topics here may contain `{type}` and `{source}`. */
  readonly eventsTopic: string
  readonly rejectedTopic: string
  /** Undefined: nobody has asked for events about violations. */
  readonly violationsTopic?: string | undefined
  readonly destinations: readonly Destination[]
}

/** The input of the router. `integrations` is the event's, merged with the batch's. */
export interface RouteInput {
  readonly type: EventType
  readonly source: string
  readonly event: RoutedEvent
  readonly integrations: JsonObject | undefined
}

export interface Router {
  /** Events with the same route get the same object, which must not be changed. */
  route(input: RouteInput): Route
  rejectedTopics(source: string, type: string): readonly string[]
  /** Of events about what differs from the source's plan; none where nobody has asked for them. */
  violationTopics(source: string): readonly string[]
  /** All topics that events of these sources can have, so that the topics can be created in advance. */
  knownTopics(sources: readonly { readonly id: string }[]): readonly string[]
  /** Those of them that every accepted event goes to. */
  eventsTopics(sources: readonly { readonly id: string }[]): readonly string[]
  /** The number of keys in `integrations` that are no destination. */
  unknownNames(integrations: JsonObject): number
}

/** Keys of `integrations` with a meaning that are no destination. `Segment.io` is a switch of the browser SDK itself. */
const RESERVED_NAMES = ['All', 'Segment.io']

/** Replaces `{type}` and `{source}` in the name of a topic. */
export function fillTopic(template: string, source: string, type: string): string {
  return template.replaceAll('{type}', type).replaceAll('{source}', source)
}

/** Creates a router. Routing is pure: the same event and configuration always give the same topics. */
export function createRouter(config: RouteConfig): Router {
  const plans = new Map<string, Partial<Record<EventType, RoutePlan>>>()
  const rejected = new Map<string, readonly string[]>()
  const known = new Set([...RESERVED_NAMES, ...config.destinations.map(({ name }) => name)])
  const options = {
    listedNames: new Set(
      config.destinations.flatMap(({ events }) => [...(events?.allow ?? []), ...(events?.deny ?? [])])
    ),
    place: placeOfUser
  }

  function planFor(source: string, type: EventType): RoutePlan {
    let ofSource = plans.get(source)
    if (ofSource === undefined) plans.set(source, (ofSource = {}))
    return (ofSource[type] ??= makeRoutePlan(startingCandidates(config, source, type), {
      ...options,
      isTrack: type === 'track'
    }))
  }

  // A violation is always a track call.
  const violationTopics = (source: string): readonly string[] =>
    config.violationsTopic === undefined ? [] : [fillTopic(config.violationsTopic, source, 'track')]

  return {
    route: ({ type, source, event, integrations }) => planFor(source, type).route(event, integrations),
    rejectedTopics(source, type) {
      const key = `${source}\n${type}`
      let topics = rejected.get(key)
      if (topics === undefined) rejected.set(key, (topics = [fillTopic(config.rejectedTopic, source, type)]))
      return topics
    },
    violationTopics,
    knownTopics(sources) {
      const topics = sources.flatMap(({ id }) => [
        ...EVENT_TYPES.flatMap(type => {
          const { eventsTopic, candidates } = startingCandidates(config, id, type)
          return [eventsTopic, ...candidates.map(({ topic }) => topic)]
        }),
        ...[...EVENT_TYPES, 'unknown'].map(type => fillTopic(config.rejectedTopic, id, type)),
        ...violationTopics(id)
      ])
      return [...new Set(topics)]
    },
    eventsTopics: sources => [
      ...new Set(sources.flatMap(({ id }) => EVENT_TYPES.map(type => fillTopic(config.eventsTopic, id, type))))
    ],
    unknownNames(integrations) {
      let count = 0
      for (const name in integrations) if (!known.has(name)) count++
      return count
    }
  }
}

/** The candidates for a source and a type, by the configuration alone. */
function startingCandidates(config: RouteConfig, source: string, type: EventType) {
  const candidates: Candidate[] = []
  const filtered: { readonly destination: string; readonly rule: FilterRule }[] = []
  for (const destination of config.destinations) {
    const { name, topic, events, sample, consent } = destination
    const rule = ruleAgainst(destination, source, type)
    if (rule !== undefined) filtered.push({ destination: name, rule })
    else {
      const takesName = type === 'track' && events !== undefined ? nameFilter(events) : undefined
      candidates.push({ name, topic: fillTopic(topic, source, type), takesName, rate: sample?.rate ?? 1, consent })
    }
  }
  return { eventsTopic: fillTopic(config.eventsTopic, source, type), candidates, filtered }
}

function ruleAgainst(
  { enabled, sources, types }: Destination,
  source: string,
  type: EventType
): FilterRule | undefined {
  if (!enabled) return 'disabled'
  if (sources?.includes(source) === false) return 'source'
  return types?.includes(type) === false ? 'type' : undefined
}

function nameFilter({ allow, deny }: EventNames): (name: string) => boolean {
  const allowed = allow === undefined ? undefined : new Set(allow)
  const denied = new Set(deny)
  return name => !denied.has(name) && (allowed?.has(name) ?? true)
}
