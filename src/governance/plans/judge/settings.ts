import type { PlanMode, PlanModes } from '../../../model/plans/plan-settings.ts'

/** The same mode for every kind of difference, if the kind supports it. */
export function allModes(mode: PlanMode): PlanModes {
  const unplannedEvents = mode === 'omit' ? 'report' : mode
  return { unplannedEvents, unplannedProperties: mode, violations: mode, common: mode }
}
