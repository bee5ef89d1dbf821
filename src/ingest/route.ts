import type { Destination } from '../model/destination.ts'
import { EVENT_TYPES } from '../model/event-types.ts'
import type { EventType } from '../model/event-types.ts'
import type { JsonObject } from './body.ts'

export interface RouteConfig {
  /** May contain `{type}` and `{source}`, as may every topic here. */
  readonly eventsTopic: string
  readonly rejectedTopic: string
  readonly destinations: readonly Destination[]
}

/** What the router needs to know of an event. `integrations` is the batch's merged under the event's own. */
export interface RouteInput {
  readonly type: EventType
  readonly source: string
  readonly integrations: JsonObject | undefined
}

export interface Router {
  /** Every topic that the event goes to, each once, the events topic first. The array must not be changed. */
  topics(input: RouteInput): readonly string[]
  rejectedTopics(source: string, type: string): readonly string[]
  /** Every topic that an event of these sources can go to, so that they can be made before the first one comes. */
  knownTopics(sources: readonly { readonly id: string }[]): readonly string[]
}

/** Fills `{type}` and `{source}`. */
export function fillTopic(template: string, source: string, type: string): string {
  return template.replaceAll('{type}', type).replaceAll('{source}', source)
}

interface Candidate {
  readonly name: string
  readonly topic: string
}

interface Plan {
  readonly eventsTopic: string
  readonly candidates: readonly Candidate[]
  /** The answer for most events: those whose `integrations` say nothing. */
  readonly all: readonly string[]
}

/** Pure: the same event and configuration always give the same topics. */
export function createRouter(config: RouteConfig): Router {
  const plans = new Map<string, Plan>()
  const rejected = new Map<string, readonly string[]>()

  function planFor(source: string, type: EventType): Plan {
    const key = `${source}\n${type}`
    let plan = plans.get(key)
    if (plan === undefined) plans.set(key, (plan = makePlan(config, source, type)))
    return plan
  }

  return {
    topics({ type, source, integrations }) {
      const plan = planFor(source, type)
      if (integrations === undefined || plan.candidates.length === 0) return plan.all
      const allowed = plan.candidates.filter(({ name }) => isAllowed(integrations, name))
      if (allowed.length === plan.candidates.length) return plan.all
      return unique([plan.eventsTopic, ...allowed.map(({ topic }) => topic)])
    },
    rejectedTopics(source, type) {
      const key = `${source}\n${type}`
      let topics = rejected.get(key)
      if (topics === undefined) rejected.set(key, (topics = [fillTopic(config.rejectedTopic, source, type)]))
      return topics
    },
    knownTopics(sources) {
      const topics = sources.flatMap(({ id }) => {
        const rejectedTopics = [...EVENT_TYPES, 'unknown'].map(type => fillTopic(config.rejectedTopic, id, type))
        return [...EVENT_TYPES.flatMap(type => planFor(id, type).all), ...rejectedTopics]
      })
      return unique(topics)
    }
  }
}

/**
 * Segment's rule: a destination's own key beats `All`, which defaults to true; an object (options) counts as true;
 * names are case-sensitive (Segment's "Filtering with the integrations object").
 */
export function isAllowed(integrations: JsonObject, name: string): boolean {
  const own = Object.hasOwn(integrations, name) ? integrations[name] : undefined
  if (own !== undefined && own !== null) return own !== false
  return !(Object.hasOwn(integrations, 'All') && integrations['All'] === false)
}

function makePlan(config: RouteConfig, source: string, type: EventType): Plan {
  const eventsTopic = fillTopic(config.eventsTopic, source, type)
  const candidates = config.destinations
    .filter(
      ({ enabled, sources, types }) => enabled && (sources?.includes(source) ?? true) && (types?.includes(type) ?? true)
    )
    .map(({ name, topic }) => ({ name, topic: fillTopic(topic, source, type) }))
  return { eventsTopic, candidates, all: unique([eventsTopic, ...candidates.map(({ topic }) => topic)]) }
}

function unique(topics: readonly string[]): readonly string[] {
  return [...new Set(topics)]
}
