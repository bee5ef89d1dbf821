import type { ViolationCount } from '../../../model/plans/violation.ts'
import type { ReportedViolation } from './enforcement.ts'

/** The limits of the list. What is beyond them is counted in `dropped`. */
export const VIOLATION_BOUNDS = { groups: 2_000, sdks: 10, samples: 5, chars: 200 }

/** One event that differs from its plan. */
export interface DifferingEvent {
  readonly source: string
  readonly type: string
  readonly name: string
  readonly sdk: string
  /** Empty if the client sent none. */
  readonly messageId: string
  readonly reported: readonly ReportedViolation[]
}

/**
 * The differences from the plans since the start, by source, event, field and kind, in bounded memory. Contains no
 * values.
 */
export class ViolationLog {
  dropped = 0
  readonly #groups = new Map<string, ViolationCount>()

  /** Most frequent first. */
  list(): readonly ViolationCount[] {
    return [...this.#groups.values()].toSorted((a, b) => b.events - a.events)
  }

  /** @param now RFC 3339 */
  add(event: DifferingEvent, now: string): void {
    const seen = new Set<ViolationCount>()
    for (const violation of event.reported) {
      const group = this.#groupOf(event, violation, now)
      // Several elements of one array count as one event.
      if (group === undefined || seen.has(group)) continue
      seen.add(group)
      group.events++
      group.lastSeen = now
      group.description = violation.description
      const { sdks, samples, done } = group
      done[violation.done] = (done[violation.done] ?? 0) + 1
      const isKnown = Object.hasOwn(sdks, event.sdk) || Object.keys(sdks).length < VIOLATION_BOUNDS.sdks
      const sdk = isKnown ? event.sdk : 'others'
      sdks[sdk] = (sdks[sdk] ?? 0) + 1
      if (event.messageId !== '') samples.push(event.messageId)
      if (samples.length > VIOLATION_BOUNDS.samples) samples.shift()
    }
  }

  #groupOf(event: DifferingEvent, violation: ReportedViolation, now: string): ViolationCount | undefined {
    const { source, type } = event
    const name = event.name.slice(0, VIOLATION_BOUNDS.chars)
    const { kind, description } = violation
    const path = violation.path.map(step => (typeof step === 'number' ? '[]' : step))
    const field = (path.length === 0 ? violation.field : path.join('.')).slice(0, VIOLATION_BOUNDS.chars)
    const key = JSON.stringify([source, type, name, kind, violation.type, field])
    const known = this.#groups.get(key)
    if (known !== undefined) return known
    if (this.#groups.size >= VIOLATION_BOUNDS.groups) {
      this.dropped++
      return undefined
    }
    const counts = { description, events: 0, firstSeen: now, lastSeen: now, done: {}, sdks: {}, samples: [] }
    const group = { source, type, name, kind, violation: violation.type, field, ...counts }
    this.#groups.set(key, group)
    return group
  }
}
