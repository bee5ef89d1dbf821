import type { Governance, Governor } from '../../../ingest/govern/governance.ts'
import type { JudgedRequest } from '../../../ingest/govern/judged-request.ts'
import type { Edit } from '../../../ingest/govern/splice.ts'
import type { GoodEvent } from '../../../ingest/judge/good-event.ts'
import type { Effect } from '../../../model/governance/rules.ts'
import type { Fault } from '../../../model/reasons.ts'
import type { PlanModes, PlanSettings } from '../../../model/plans/plan-settings.ts'
import type { Source } from '../../../model/source.ts'
import type { FoundDifference } from '../events/violation-record.ts'
import type { CompiledPlan } from '../judge/compiled-plan.ts'
import type { Enforcement, ReportedViolation } from './enforcement.ts'
import { enforce } from './enforcement.ts'
import { omissions } from './omit.ts'
import { protocolsEdit } from './protocols.ts'
import { RequestEvent } from './request-event.ts'
import type { DifferingEvent } from './violation-log.ts'
import { wholeEventEdits } from './whole-event.ts'

export interface PlanRulesOptions {
  /** The plan in force for a source that names one; the same object until the plan changes. */
  readonly planOf: (settings: PlanSettings) => CompiledPlan | undefined
  /** Called with each event that differs from its plan. */
  readonly onDifference?: (event: DifferingEvent) => void
  /** Called with each event that differs from its plan, and with the effect by which its report is recognised. */
  readonly onNoted?: ((effect: Effect, found: FoundDifference) => void) | undefined
}

/** Compares events with their plans, and applies the modes. */
export function createPlanRules({ planOf, ...handlers }: PlanRulesOptions): Governance {
  const governors = new WeakMap<CompiledPlan, Map<Source, Governor>>()
  return {
    of(source) {
      const { plan: settings } = source
      const plan = settings === undefined ? undefined : planOf(settings)
      if (settings === undefined || plan === undefined) return undefined
      let ofPlan = governors.get(plan)
      // A reload creates new sources. The old ones must not accumulate.
      if (ofPlan === undefined || ofPlan.size > MAX_SOURCES) governors.set(plan, (ofPlan = new Map()))
      let governor = ofPlan.get(source)
      if (governor === undefined)
        ofPlan.set(source, (governor = governorOf({ plan, modes: settings.modes, source, ...handlers })))
      return governor
    }
  }
}

const MAX_SOURCES = 1_000

function governorOf(rules: Rules): Governor {
  return {
    address: address => address,
    steps: [request => applyPlan(request, rules)],
    mayKeep: () => true
  }
}

interface Rules extends Omit<PlanRulesOptions, 'planOf'> {
  readonly plan: CompiledPlan
  readonly modes: PlanSettings['modes']
  readonly source: Source
}

interface Named extends Enforcement {
  readonly name: string
}

/** The events that differ from their plan, by index. */
type Found = Map<number, Named>

function applyPlan(request: JudgedRequest, rules: Rules): void {
  const found = compareAll(request, rules)
  if (found.size === 0) return
  const isLeft = [...found].filter(([, { blocked }]) => blocked === undefined)
  const blocked = [...found].filter(([, enforcement]) => enforcement.blocked !== undefined)
  request.rewrite(isLeft.flatMap(([index, enforcement]) => omissionsOf(request, index, enforcement)))
  // A second step, because edits that remove bytes and edits beside them are computed independently.
  const edits: Edit[] = isLeft.map(([index, enforcement]) =>
    protocolsEdit(request.body, scanOf(request, index), rules.source.id, enforcement)
  )
  for (const [index] of blocked) edits.push(...wholeEventEdits(request.body, scanOf(request, index)))
  request.rewrite(edits)
  for (const [index, enforcement] of found) {
    const effect = effectOf(enforcement)
    request.note(index, effect)
    const { name, reported } = enforcement
    rules.onNoted?.(effect, { source: rules.source, plan: rules.plan, name, reported })
  }
  for (const [index, enforcement] of blocked) request.block(index, enforcement.blocked as Fault)
}

function compareAll(request: JudgedRequest, { plan, modes, source, onDifference }: Rules): Found {
  const found: Found = new Map()
  const reader = new RequestEvent(request.body)
  const { events } = request
  for (let index = 0; index < events.length; index++) {
    const event = events[index] as JudgedRequest['events'][number]
    if (event.fault !== undefined || request.verdictOf(index) !== undefined || request.isWithheld(index)) continue
    const ofType = modes[event.type]
    if (isOff(ofType)) continue
    const differences = plan.compare(reader.at(event), ofType)
    if (differences === undefined) continue
    const name = reader.name() ?? ''
    const enforcement = enforce(differences, ofType, { name, stays: path => reader.isShared(path) })
    found.set(index, { ...enforcement, name })
    const { type } = event
    onDifference?.({ source: source.id, type, name, ...reader.sender(), reported: enforcement.reported })
  }
  return found
}

function isOff({ unplannedEvents, unplannedProperties, violations, common }: PlanModes): boolean {
  return unplannedEvents === 'off' && unplannedProperties === 'off' && violations === 'off' && common === 'off'
}

function scanOf({ events }: JudgedRequest, index: number): GoodEvent['scan'] {
  return (events[index] as GoodEvent).scan
}

function omissionsOf(request: JudgedRequest, index: number, enforcement: Enforcement): Edit[] {
  const { omitted, omittedOnViolation } = enforcement
  const paths = [...omitted, ...omittedOnViolation]
  return paths.length === 0 ? [] : omissions(request.body.bytes, scanOf(request, index), paths)
}

const MAX_NAMED = 5

/** What was done, for the event's journey: members and kinds, but no values. */
function effectOf({ reported, omitted, omittedOnViolation, blocked }: Enforcement): Effect {
  if (blocked !== undefined) return { rule: 'plan_block', detail: `blocked (${blocked.code}): ${named(reported)}` }
  const left = omitted.length + omittedOnViolation.length
  const parts = [
    { says: `left out ${left}`, about: reported.filter(({ done }) => done === 'omit') },
    { says: 'reported', about: reported.filter(({ done }) => done === 'report') }
  ]
  const details = parts.filter(({ about }) => about.length > 0).map(({ says, about }) => `${says}: ${named(about)}`)
  return { rule: left > 0 ? 'plan_omit' : 'plan_report', detail: details.join('; ') }
}

function named(violations: readonly ReportedViolation[]): string {
  const fields = violations.slice(0, MAX_NAMED).map(({ type, field }) => `${field} (${type})`)
  const more = violations.length > MAX_NAMED ? ` and ${violations.length - MAX_NAMED} more` : ''
  return `${fields.join(', ')}${more}`
}
