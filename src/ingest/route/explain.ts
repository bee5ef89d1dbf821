import type { Destination } from '../../model/destination.ts'
import type { ExplainRoute, FilterRule, RoutedFacts, RouteExplanation, RouteReason } from '../../model/route.ts'
import type { JsonObject } from '../parse/body.ts'
import { asObject } from '../parse/body.ts'
import { whyNoConsent } from './consent.ts'
import { partitionKeyOf, toRoutedEvent } from './key-of.ts'
import type { RoutesInForce } from './route-history.ts'
import type { Router } from './route.ts'
import { createRouter, fillTopic } from './route.ts'
import { placeOfUser } from './route-sample.ts'

export interface ExplainerOptions {
  /** The destinations that were in force, oldest first; the last are in force now. Never empty. */
  readonly history: () => readonly RoutesInForce[]
  /** May contain `{type}` and `{source}`. */
  readonly eventsTopic: string
  readonly hasKafka: boolean
}

/**
 * Creates the function that says how an event was routed, and which rule kept it from each other destination. The router
 * itself decides; only the words are made here.
 */
export function createExplainer({ history, eventsTopic, hasKafka }: ExplainerOptions): ExplainRoute {
  const routers = new WeakMap<RoutesInForce, Router>()

  function routerOf(routes: RoutesInForce): Router {
    const { destinations } = routes
    let router = routers.get(routes)
    if (router === undefined) {
      routers.set(routes, (router = createRouter({ eventsTopic, rejectedTopic: '', destinations })))
    }
    return router
  }

  function reasonsOf(routes: RoutesInForce, facts: RoutedFacts): RouteReason[] {
    const { source, type, event } = facts
    const value = event as JsonObject
    const routed = { type, source, event: toRoutedEvent(value), integrations: asObject(value['integrations']) }
    const { filtered, topics } = routerOf(routes).route(routed)
    const rules = new Map(filtered.map(({ destination, rule }) => [destination, rule]))
    const written = new Set(topics)
    return routes.destinations.map(destination => {
      const { name } = destination
      const topic = fillTopic(destination.topic, source, type)
      const rule = rules.get(name) ?? null
      if (rule === null) return { destination: name, topic, rule, why: '' }
      const why = wordsFor(rule, destination, facts)
      return { destination: name, topic, rule, why: written.has(topic) ? `${why}; ${SHARED_TOPIC}` : why }
    })
  }

  function explain(facts: RoutedFacts): RouteExplanation {
    const all = history()
    const { past: then, now } = findRoutes(all, facts.at)
    if (then === undefined) return { by: 'now', changed: null, says: saysOf(all, then), reasons: reasonsOf(now, facts) }
    const isSame = then === now
    const reasons = reasonsOf(then, facts)
    return {
      by: 'then',
      changed: !isSame,
      says: saysOf(all, then),
      reasons: isSame ? reasons : withChanges(reasons, reasonsOf(now, facts))
    }
  }

  return Object.assign(explain, {
    hasKafka,
    namesAt(at: number) {
      const { past, now } = findRoutes(history(), at)
      return (past ?? now).destinations.map(({ name }) => name)
    }
  })
}

const SHARED_TOPIC =
  'its topic gets the event all the same, because something else that the event goes to has the same topic'

function findRoutes(all: readonly RoutesInForce[], at: number) {
  return { past: all.findLast(({ since }) => since <= at), now: all.at(-1) as RoutesInForce }
}

function saysOf(all: readonly RoutesInForce[], then: RoutesInForce | undefined): string {
  const now = all.at(-1) as RoutesInForce
  if (then === undefined) {
    return `by the destinations that are in force now (since ${timeOf(now)}); those that were in force when the event came are not known any more`
  }
  if (then === now) {
    return `by the destinations that were in force when the event came, and still are (since ${timeOf(now)})`
  }
  const next = all[all.indexOf(then) + 1] as RoutesInForce
  return `by the destinations that were in force when the event came (${timeOf(then)} to ${timeOf(next)}); they have changed since`
}

const timeOf = ({ since }: RoutesInForce): string => new Date(since).toISOString()

/** Adds to the reasons of then what is different now. */
function withChanges(then: readonly RouteReason[], now: readonly RouteReason[]): RouteReason[] {
  const ofNow = new Map(now.map(reason => [reason.destination, reason]))
  const changed = then.map(reason => {
    const change = changeOf(reason, ofNow.get(reason.destination))
    return change === '' ? reason : { ...reason, why: reason.why === '' ? change : `${reason.why}; ${change}` }
  })
  const known = new Set(then.map(({ destination }) => destination))
  const added = now.filter(({ destination }) => !known.has(destination))
  const why = 'the configuration had no destination of this name when the event came; it was added since'
  return [...changed, ...added.map((reason): RouteReason => ({ ...reason, rule: 'not_configured', why }))]
}

function changeOf(then: RouteReason, now: RouteReason | undefined): string {
  if (now === undefined) return 'the configuration has no destination of this name any more'
  if (now.rule === then.rule && now.topic === then.topic) return ''
  return now.rule === null
    ? `such an event would go to ${now.topic} now`
    : `such an event would not go there now: ${now.why}`
}

/** The rule in words, with what the event has. */
function wordsFor(rule: FilterRule, destination: Destination, facts: RoutedFacts): string {
  return WORDS[rule](destination, facts)
}

const WORDS: Record<FilterRule, (destination: Destination, facts: RoutedFacts) => string> = {
  disabled: () => 'the destination is disabled (enabled: false)',
  source: ({ sources = [] }, { source }) =>
    `it takes only events of the sources ${sources.join(', ')}, and this is one of ${source}`,
  type: ({ types = [] }, { type }) =>
    `it takes only calls of the types ${types.join(', ')}, and this is a ${type} call`,
  events({ events }, { event: { event: name } }) {
    const isDenied = typeof name === 'string' && events?.deny?.includes(name) === true
    return `the event name ${shortened(JSON.stringify(name))} is ${isDenied ? 'in its events.deny' : 'not in its events.allow'}`
  },
  sample({ sample }, { event }) {
    const place = placeOfUser(partitionKeyOf(event)).toFixed(6)
    return `the user is not in its sample: the user's place is ${place}, and the sample has those below ${sample?.rate}`
  },
  consent({ consent: rule }, { event }) {
    if (rule === undefined) return 'the user has not consented'
    const { consent, consentManagement } = asObject(event['context']) ?? {}
    return whyNoConsent(rule, { consent, consentManagement }, asObject(event['integrations']) !== undefined)
  },
  integrations({ name }, { event }) {
    const quoted = JSON.stringify(name)
    return asObject(event['integrations'])?.[name] === false
      ? `the event's integrations have ${quoted}: false`
      : `the event's integrations have "All": false, and do not switch ${quoted} on`
  }
}

const MAX_NAME_CHARS = 200

function shortened(text: string): string {
  return text.length > MAX_NAME_CHARS ? `${text.slice(0, MAX_NAME_CHARS)}...` : text
}
