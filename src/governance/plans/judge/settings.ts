import type { PlanMode, PlanModes } from '../../../model/plans/plan-settings.ts'

/** The same mode for everything that an event can differ in, as far as it makes sense there. */
export function allModes(mode: PlanMode): PlanModes {
  const unplannedEvents = mode === 'omit' ? 'report' : mode
  return { unplannedEvents, unplannedProperties: mode, violations: mode, common: mode }
}
