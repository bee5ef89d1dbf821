import { EVENT_TYPES } from '../../model/event-types.ts'
import type { EventType } from '../../model/event-types.ts'
import type { PlanModes, PlanSettings } from '../../model/plans/plan-settings.ts'

/** `plan` of tributary.yml or of a source. */
export interface PlanEntry {
  readonly file: string
  readonly enforce?: Partial<PlanModes>
  readonly types?: Readonly<Partial<Record<EventType, Partial<PlanModes>>>>
}

/** The modes of a plan without settings: it only reports. */
const DEFAULT_MODES: PlanModes = {
  unplannedEvents: 'report',
  unplannedProperties: 'report',
  violations: 'report',
  common: 'report'
}

/** Converts `plan`; undefined without a plan. */
export function toPlanSettings(entry: PlanEntry | null | undefined): PlanSettings | undefined {
  if (entry === null || entry === undefined) return undefined
  const { file, enforce, types } = entry
  const modes = EVENT_TYPES.map((type): [EventType, PlanModes] => [
    type,
    { ...DEFAULT_MODES, ...enforce, ...types?.[type] }
  ])
  return { file, modes: Object.fromEntries(modes) as PlanSettings['modes'] }
}
