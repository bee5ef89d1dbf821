import { isDeepStrictEqual } from 'node:util'
import type { Plan, PlanRule } from '../plan.ts'
import { diffSchemas } from './diff-schemas.ts'

/** One difference between two plans. */
export interface PlanChange {
  /** An event that fits the first plan may not fit the second. */
  readonly isBreaking: boolean
  /** The rule: `track Order Completed`, `identify`, `common schema`. */
  readonly rule: string
  readonly description: string
}

/**
 * The changes from one plan to another, for those who send events. A change counts as breaking unless every event that
 * fits the first plan certainly fits the second.
 */
export function diffPlans(before: Plan, after: Plan): PlanChange[] {
  const old = new Map(before.rules.map(rule => [keyOf(rule), rule]))
  const now = new Map(after.rules.map(rule => [keyOf(rule), rule]))
  const changes: PlanChange[] = []
  for (const [key, rule] of old) {
    const next = now.get(key)
    if (next === undefined) changes.push(removed(rule))
    else changes.push(...schemaChanges(ruleName(rule), rule.schema, next.schema))
  }
  for (const [key, rule] of now) if (!old.has(key)) changes.push(added(rule, before.rules))
  return [...changes, ...commonChanges(before.common, after.common)]
}

function removed(rule: PlanRule): PlanChange {
  const isNamed = rule.type === 'track'
  const description = isNamed ? 'removed: the event is no longer planned' : 'removed: nothing is asked of it any more'
  // Events of an older version are compared with another version from then on.
  return { isBreaking: isNamed || rule.version > 1, rule: ruleName(rule), description }
}

function added(rule: PlanRule, before: readonly PlanRule[]): PlanChange {
  const siblings = before.filter(({ type, event }) => type === rule.type && event === rule.event)
  const isOldest = siblings.every(({ version }) => rule.version < version)
  const isBreaking = siblings.length > 0 ? isOldest : rule.type !== 'track'
  return { isBreaking, rule: ruleName(rule), description: 'added' }
}

function schemaChanges(rule: string, before: PlanRule['schema'], after: PlanRule['schema']): PlanChange[] {
  if (isDeepStrictEqual(before, after)) return []
  return diffSchemas(before, after).map(change => ({ ...change, rule }))
}

function commonChanges(before: Plan['common'], after: Plan['common']): PlanChange[] {
  const rule = 'common schema'
  if (after === undefined) {
    return before === undefined ? [] : [{ isBreaking: false, rule, description: 'removed' }]
  }
  return before === undefined ? [{ isBreaking: true, rule, description: 'added' }] : schemaChanges(rule, before, after)
}

function ruleName({ type, event, version }: Pick<PlanRule, 'type' | 'event' | 'version'>): string {
  return `${type}${event === undefined ? '' : ` ${event}`}${version === 1 ? '' : ` (version ${version})`}`
}

function keyOf({ type, event, version }: PlanRule): string {
  return JSON.stringify([type, event, version])
}
