import { isEventType } from '../../../model/event-types.ts'
import type { CompiledPlan } from '../judge/compiled-plan.ts'
import type { ReportedViolation } from '../enforce/enforcement.ts'
import { enforce } from '../enforce/enforcement.ts'
import { plannedValue } from '../judge/planned-value.ts'
import { allModes } from '../judge/settings.ts'

/** The result for the events of one name. */
export interface CheckedEvent {
  /** `track Order Completed`, `identify`. */
  readonly name: string
  events: number
  faulty: number
  /** By kind of violation: the number of events, and the first lines. */
  readonly violations: Map<string, CheckedViolation>
}

export interface CheckedViolation {
  readonly violation: ReportedViolation
  times: number
  /** Line numbers, from 1. */
  readonly lines: number[]
}

const REPORT = allModes('report')
const MAX_LINES = 5
/** Names and kinds of violations beyond this limit are counted together. */
const MAX_NAMES = 5_000
const MAX_VIOLATIONS = 200

/** Checks events against a plan, one after the other, and collects what a report needs. */
export class PlanCheck {
  readonly byName = new Map<string, CheckedEvent>()
  /** Lines that contain no event. */
  unread = 0
  readonly #plan: CompiledPlan

  constructor(plan: CompiledPlan) {
    this.#plan = plan
  }

  /** @param value an event, or a record that has one as `event` */
  add(value: unknown, line: number): void {
    const event = eventOf(value)
    if (event === undefined) {
      this.unread++
      return
    }
    const planned = plannedValue(event)
    const checked = this.#entry(`${planned.type}${nameOf(planned.name())}`)
    checked.events++
    const differences = this.#plan.compare(planned, REPORT)
    if (differences === undefined) return
    checked.faulty++
    for (const violation of enforce(differences, REPORT, { name: planned.name() ?? '' }).reported)
      note(checked, violation, line)
  }

  #entry(name: string): CheckedEvent {
    const key = this.byName.has(name) || this.byName.size < MAX_NAMES ? name : '(more events)'
    let entry = this.byName.get(key)
    if (entry === undefined) this.byName.set(key, (entry = { name: key, events: 0, faulty: 0, violations: new Map() }))
    return entry
  }
}

function note({ violations }: CheckedEvent, violation: ReportedViolation, line: number): void {
  // All elements of an array count as one place.
  const field = violation.path.map(step => (typeof step === 'number' ? '[]' : step)).join('.')
  const text = `${violation.kind} ${field}: ${violation.description}`
  const key = violations.has(text) || violations.size < MAX_VIOLATIONS ? text : '(more violations)'
  let known = violations.get(key)
  if (known === undefined) violations.set(key, (known = { violation, times: 0, lines: [] }))
  known.times++
  if (known.lines.length < MAX_LINES) known.lines.push(line)
}

function nameOf(name: string | undefined): string {
  return name === undefined ? '' : ` ${name}`
}

/** The event itself. A rejected record, and exports of other tools, have it as `event`. */
function eventOf(value: unknown): Record<string, unknown> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const object = value as Record<string, unknown>
  if (typeof object['event'] === 'object') return eventOf(object['event'])
  return isEventType(object['type']) ? object : undefined
}
