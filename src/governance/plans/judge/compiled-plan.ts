import type { EventType } from '../../../model/event-types.ts'
import type { PlanModes } from '../../../model/plans/plan-settings.ts'
import { createSchemaCompiler } from './compile-schema.ts'
import type { CompiledRule } from './compiled-rule.ts'
import { compileRule } from './compiled-rule.ts'
import type { Plan } from '../plan.ts'
import type { MemberPath } from '../schema/shape.ts'
import { findUnplanned } from '../schema/shape.ts'
import type { Violation } from './violations.ts'
import { toViolations } from './violations.ts'

/** An event in the form that a plan examines. */
export interface PlannedEvent {
  readonly type: EventType
  /** The name of a track call, or of a page or screen. */
  name(): string | undefined
  /**
   * A member as a JavaScript value, with the batch's context under the event's own; undefined if it is absent or null.
   */
  member(key: string): unknown
  /** The whole event as it will be published, without what only the server sets. */
  whole(): unknown
}

/** How an event differs from its plan, as far as the modes ask. */
export interface Differences {
  readonly isUnplanned: boolean
  readonly unplanned: readonly MemberPath[]
  readonly violations: readonly Violation[]
  readonly common: readonly Violation[]
}

/**
 * A rule of the plan. It is compiled for the first event that needs it, or while the plan is loaded, whichever comes
 * first.
 */
class LazyRule {
  readonly version: number
  readonly #compile: () => CompiledRule
  #compiled: CompiledRule | undefined

  constructor(version: number, compile: () => CompiledRule) {
    this.version = version
    this.#compile = compile
  }

  get rule(): CompiledRule {
    return (this.#compiled ??= this.#compile())
  }
}

const NONE: readonly never[] = []
/** The key of rules for all events of a type: no event in a plan has an empty name. */
const UNNAMED = ''

/** A plan that events can be compared with. */
export class CompiledPlan {
  readonly id: string
  readonly name: string
  readonly ruleCount: number
  /** By name: the versions of one event, oldest first. */
  readonly #rules: Readonly<Record<EventType, Map<string, LazyRule[]>>> = {
    identify: new Map(),
    track: new Map(),
    page: new Map(),
    screen: new Map(),
    group: new Map(),
    alias: new Map()
  }
  readonly #all: LazyRule[] = []
  readonly #common: LazyRule | undefined

  constructor({ id, name, rules, common }: Plan) {
    this.id = id
    this.name = name
    this.ruleCount = rules.length
    const compiler = createSchemaCompiler([
      ...rules.map(({ schema }) => schema),
      ...(common === undefined ? [] : [common])
    ])
    for (const { type, event, version, schema } of rules) {
      const lazy = new LazyRule(version, () => compileRule(compiler, schema, payloadOf(type)))
      const ofType = this.#rules[type]
      const versions = [...(ofType.get(event ?? UNNAMED) ?? NONE), lazy]
      ofType.set(
        event ?? UNNAMED,
        versions.toSorted((a, b) => a.version - b.version)
      )
      this.#all.push(lazy)
    }
    if (common === undefined) return
    this.#common = new LazyRule(0, () => compileRule(compiler, common, 'properties'))
    this.#all.push(this.#common)
  }

  /**
   * Compiles the next rules that are not compiled yet. Returns false if none are left. Throws if a schema cannot be
   * compiled.
   */
  compileSome(count: number): boolean {
    for (const lazy of this.#all.splice(0, count)) void lazy.rule
    return this.#all.length > 0
  }

  /** How an event differs from the plan; undefined if it does not, or if no mode asks. */
  compare(event: PlannedEvent, modes: PlanModes): Differences | undefined {
    const lazy = this.#ruleOf(event)
    const isUnplanned = lazy === undefined && event.type === 'track' && modes.unplannedEvents !== 'off'
    const rule = lazy?.rule
    const common = modes.common === 'off' ? NONE : this.#commonFaults(event)
    if (rule === undefined) {
      return isUnplanned || common.length > 0 ? { isUnplanned, unplanned: NONE, violations: NONE, common } : undefined
    }
    const violations = modes.violations === 'off' ? NONE : faultsOf(rule, event)
    const unplanned = modes.unplannedProperties === 'off' ? NONE : unplannedIn(rule, event)
    if (violations.length + unplanned.length + common.length === 0) return undefined
    return { isUnplanned: false, unplanned, violations, common }
  }

  #ruleOf(event: PlannedEvent): LazyRule | undefined {
    const { type } = event
    const ofType = this.#rules[type]
    const versions = hasNames(type) ? ofType.get(event.name() ?? UNNAMED) : undefined
    const found = versions ?? (type === 'track' ? undefined : ofType.get(UNNAMED))
    const oldest = found?.[0]
    if (found === undefined || found.length === 1) return oldest
    const version = (event.member('context') as { protocols?: { event_version?: unknown } } | undefined)?.protocols
      ?.event_version
    return found.find(lazy => lazy.version === version) ?? oldest
  }

  #commonFaults(event: PlannedEvent): readonly Violation[] {
    return this.#common === undefined ? NONE : faultsOf(this.#common.rule, event)
  }
}

/** The member that holds the data of events of that type. */
function payloadOf(type: EventType): 'properties' | 'traits' {
  return type === 'identify' || type === 'group' ? 'traits' : 'properties'
}

function hasNames(type: EventType): boolean {
  return type === 'track' || type === 'page' || type === 'screen'
}

function faultsOf({ validate, reads }: CompiledRule, event: PlannedEvent): readonly Violation[] {
  const value = reads === undefined ? event.whole() : partOf(event, reads)
  return validate(value) ? NONE : toViolations(validate.errors ?? [], value)
}

function partOf(event: PlannedEvent, reads: readonly string[]): object {
  const part: Record<string, unknown> = {}
  for (const key of reads) {
    const value = event.member(key)
    if (value !== undefined) part[key] = value
  }
  return part
}

function unplannedIn({ shape }: CompiledRule, event: PlannedEvent): readonly MemberPath[] {
  if (shape === undefined) return NONE
  const payload = payloadOf(event.type)
  const found: MemberPath[] = []
  findUnplanned(event.member(payload), shape, [payload], found)
  return found
}
