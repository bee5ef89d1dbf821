import type { Governance } from '../ingest/govern/governance.ts'
import type { SuppressionStore } from '../model/governance/suppress.ts'
import type { TributaryFile } from '../model/tributary-file.ts'
import { createGovernance } from './governance.ts'
import { createSuppression } from './suppress/suppression.ts'
import type { SuppressionListOptions } from './suppress/suppression-list.ts'
import { createSuppressionList } from './suppress/suppression-list.ts'

export interface GovernanceOptions extends Pick<SuppressionListOptions, 'configFile' | 'clock' | 'log'> {
  /** The tributary.yml in force; another object after each edit. */
  readonly current: () => TributaryFile
}

export interface OpenGovernance {
  readonly rules: Governance
  readonly suppressions: SuppressionStore
  close(): Promise<void>
}

/**
 * All parts of governance, in the order of an event's path.
 *
 * @throws ConfigError where a file that tributary.yml names cannot be used at the start
 */
export function openGovernance({ current, ...options }: GovernanceOptions): OpenGovernance {
  const suppressions = createSuppressionList({ ...options, current: () => current().suppress })
  return {
    rules: createGovernance([createSuppression(suppressions.ids)]),
    suppressions,
    close: suppressions.close
  }
}
