import type { PlanMode, PlanModes } from '../../../model/plans/plan-settings.ts'
import type { Fault } from '../../../model/reasons.ts'
import { fault } from '../../../model/reasons.ts'
import type { Differences } from '../judge/compiled-plan.ts'
import type { MemberPath } from '../schema/shape.ts'
import type { Violation } from '../judge/violations.ts'
import { fieldOf } from '../judge/violations.ts'

/** The kinds of difference in a report. */
export const DIFFERENCE_KINDS = ['unplanned_event', 'unplanned_property', 'violation', 'common'] as const

export type DifferenceKind = (typeof DIFFERENCE_KINDS)[number]

/** One difference in a report: on the event, in the list of violations, and as an event of its own. */
export interface ReportedViolation extends Violation {
  readonly kind: DifferenceKind
  /** What was done: the event was blocked, the member was left out, or neither. */
  readonly done: Exclude<PlanMode, 'off'>
}

type Difference = Omit<ReportedViolation, 'done'>

/** What is done about an event that differs from its plan. */
export interface Enforcement {
  /** All differences that some mode asks for. */
  readonly reported: readonly ReportedViolation[]
  /** Members to leave out because the plan does not name them. */
  readonly omitted: readonly MemberPath[]
  /** Members to leave out because they break the plan. */
  readonly omittedOnViolation: readonly MemberPath[]
  /** Why the event is not published; undefined if it is published. */
  readonly blocked: Fault | undefined
}

/** The event that is examined. */
interface Enforced {
  /** The name of a track call, or of a page or screen; empty if there is none. */
  readonly name: string
  /** Whether the member is still there after the event's own is left out. Default: false. */
  readonly stays?: (path: MemberPath) => boolean
}

/**
 * Decides what is done about an event, in Segment's order: first by the event's own schema, then, if that does not
 * block it, by the common schema.
 */
export function enforce(
  differences: Differences,
  modes: PlanModes,
  { name, stays = () => false }: Enforced
): Enforcement {
  const { isUnplanned, unplanned, violations, common } = differences
  const own: Difference[] = [
    ...(isUnplanned ? [unplannedEvent(name)] : []),
    ...unplanned.map(unplannedProperty),
    ...violations.map(violation => ({ ...violation, kind: 'violation' as const }))
  ]
  const blockedBy = [
    isUnplanned && modes.unplannedEvents === 'block',
    unplanned.length > 0 && modes.unplannedProperties === 'block',
    violations.length > 0 && modes.violations === 'block'
  ] as const
  const [first] = own
  if (blockedBy.includes(true) && first !== undefined) {
    const blocking = own.find(({ kind }) => blockedBy[KIND_PLACE[kind]]) ?? first
    return blockedAs(blockFault(codeOf(blockedBy), blocking), own)
  }
  const shared = common.map(violation => ({ ...violation, kind: 'common' as const }))
  const [firstShared] = shared
  if (modes.common === 'block' && firstShared !== undefined) {
    return blockedAs(blockFault('common_schema_violation', firstShared), [...own, ...shared])
  }
  const isOmitted: Readonly<Record<DifferenceKind, boolean>> = {
    unplanned_event: false,
    unplanned_property: modes.unplannedProperties === 'omit',
    violation: modes.violations === 'omit',
    common: modes.common === 'omit'
  }
  const omitted: MemberPath[] = []
  const omittedOnViolation: MemberPath[] = []
  const reported = [...own, ...shared].map((difference): ReportedViolation => {
    const path = isOmitted[difference.kind] ? removalOf(difference) : undefined
    if (path === undefined || stays(path)) return { ...difference, done: 'report' }
    ;(difference.kind === 'unplanned_property' ? omitted : omittedOnViolation).push(path)
    return { ...difference, done: 'omit' }
  })
  return { reported, omitted, omittedOnViolation, blocked: undefined }
}

function blockedAs(blocked: Fault, differences: readonly Difference[]): Enforcement {
  const reported = differences.map(difference => ({ ...difference, done: 'block' as const }))
  return { reported, omitted: [], omittedOnViolation: [], blocked }
}

/** The index of each kind among the kinds that can block by the event's own schema. */
const KIND_PLACE = { unplanned_event: 0, unplanned_property: 1, violation: 2, common: 2 } as const

type BlockCode = 'unplanned' | 'unplanned_property' | 'schema_violation' | 'unplanned_and_schema_violation'

/** Segment's codes. There is none for an unplanned property, because Segment can only omit it. */
function codeOf([event, property, violation]: readonly [boolean, boolean, boolean]): BlockCode {
  if (event) return 'unplanned'
  if (property && violation) return 'unplanned_and_schema_violation'
  return property ? 'unplanned_property' : 'schema_violation'
}

function blockFault(code: BlockCode | 'common_schema_violation', { path, description }: Violation): Fault {
  const pointer = path.map(step => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
  return fault(code, pointer.slice(0, 200), description)
}

function unplannedEvent(name: string): Difference {
  const description = `the plan has no event "${name.slice(0, 100)}"`
  return { kind: 'unplanned_event', type: 'Unplanned Event', field: 'event', description, path: ['event'] }
}

function unplannedProperty(path: MemberPath): Difference {
  const field = fieldOf(path)
  const description = `${field} is not in the plan`
  return { kind: 'unplanned_property', type: 'Unplanned Property', field, description, path }
}

/**
 * The members that hold an event's data. Only inside them can a member be left out without changing what the event is.
 */
const OPEN_TO_OMISSION: ReadonlySet<unknown> = new Set(['properties', 'traits', 'context'])

/**
 * The path of the member to leave out; undefined if there is none. A missing member cannot be left out. For an element
 * of an array, the whole array is left out, so that the other elements keep their indexes.
 */
function removalOf({ kind, type, path }: Difference): MemberPath | undefined {
  if (kind === 'unplanned_property') return path
  const whole = path.slice(0, path.findLastIndex(step => typeof step === 'string') + 1)
  return type !== 'Required' && whole.length > 1 && OPEN_TO_OMISSION.has(whole[0]) ? whole : undefined
}
