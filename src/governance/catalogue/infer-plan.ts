import type { SeenEvent, SeenProperty } from '../../model/plans/catalogue.ts'
import { isEventType } from '../../model/event-types.ts'
import type { Plan, PlanRule } from '../plans/plan.ts'

/** With fewer events, no property is required: one that was always present may be missing in the next event. */
export const LEAST_EVENTS_FOR_REQUIRED = 20

/**
 * Infers a plan that every event in the catalogue fits: each property has all types that were seen. A property is
 * required if no object lacked it. Events of several sources share one rule.
 */
export function inferPlan(seen: readonly SeenEvent[], name: string): Plan {
  const groups = Map.groupBy(
    seen.filter(({ type, name: event }) => type !== 'track' || event !== ''),
    ({ type, name: event }) => (type === 'track' ? `track ${event}` : type)
  )
  const rules = [...groups.values()].flatMap(ruleOf)
  return { id: name, name, rules: rules.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)), common: undefined }
}

function keyOf({ type, event }: PlanRule): string {
  return `${type} ${event ?? ''}`
}

function ruleOf(group: readonly SeenEvent[]): PlanRule[] {
  const [first] = group
  if (first === undefined || !isEventType(first.type)) return []
  const events = group.reduce((sum, event) => sum + event.events, 0)
  const properties = merge(group)
  const payload = first.type === 'identify' || first.type === 'group' ? 'traits' : 'properties'
  const isOpen = group.some(({ isTruncated }) => isTruncated)
  const context = { all: properties, isReliable: events >= LEAST_EVENTS_FOR_REQUIRED, isOpen }
  const own = properties[`/${payload}`]
  const schema = own === undefined ? {} : objectSchema(context, `/${payload}`, own)
  return [
    {
      type: first.type,
      event: first.type === 'track' ? first.name : undefined,
      version: 1,
      schema: {
        type: 'object',
        properties: { [payload]: own === undefined ? { type: 'object', properties: {} } : schema }
      }
    }
  ]
}

type Properties = Record<string, SeenProperty>

function merge(group: readonly SeenEvent[]): Properties {
  const merged: Properties = {}
  for (const { properties } of group) {
    for (const [path, { objects, types, firstSeen, lastSeen }] of Object.entries(properties)) {
      const known = (merged[path] ??= { objects: 0, types: {}, firstSeen, lastSeen })
      known.objects += objects
      for (const [type, times] of Object.entries(types)) known.types[type] = (known.types[type] ?? 0) + times
    }
  }
  return merged
}

interface Context {
  readonly all: Properties
  /** There were enough events to say that a property is always present. */
  readonly isReliable: boolean
  /** Some properties were not recorded, so there may be others. */
  readonly isOpen: boolean
}

function objectSchema(context: Context, path: string, own: SeenProperty): Record<string, unknown> {
  const { all, isReliable, isOpen } = context
  const members = membersOf(all, path)
  const required = members.filter(([, { types }]) => isReliable && countOf(types) >= own.objects)
  return {
    type: 'object',
    properties: Object.fromEntries(
      members.map(([step, seen]) => [nameOf(step), valueSchema(context, `${path}/${step}`, seen)])
    ),
    ...(required.length === 0 ? {} : { required: required.map(([step]) => nameOf(step)) }),
    ...(isOpen ? { additionalProperties: true } : {})
  }
}

function valueSchema(context: Context, path: string, seen: SeenProperty): Record<string, unknown> {
  const types = typesOf(seen.types)
  const elements = context.all[`${path}/[]`]
  return {
    ...(seen.objects === 0 ? {} : objectSchema(context, path, seen)),
    ...(types.length === 0 ? {} : { type: types.length === 1 ? types[0] : types }),
    ...(elements === undefined ? {} : { items: valueSchema(context, `${path}/[]`, elements) })
  }
}

/** The members directly below a path, by their steps. */
function membersOf(all: Properties, path: string): [step: string, seen: SeenProperty][] {
  const start = `${path}/`
  return Object.entries(all)
    .filter(([key]) => key.startsWith(start) && !key.includes('/', start.length) && key !== `${start}[]`)
    .map(([key, seen]) => [key.slice(start.length), seen])
}

function nameOf(step: string): string {
  return step === '~2' ? '[]' : step.replaceAll('~1', '/').replaceAll('~0', '~')
}

function countOf(types: SeenProperty['types']): number {
  return Object.values(types).reduce((sum, times) => sum + times, 0)
}

/** The types for the plan. `number` includes `integer`. */
function typesOf(types: SeenProperty['types']): string[] {
  const seen = Object.keys(types)
  return seen.filter(type => type !== 'integer' || !seen.includes('number')).toSorted()
}
