import type { Governance } from '../ingest/govern/governance.ts'
import type { SuppressionStore } from '../model/governance/suppress.ts'
import type { Source } from '../model/source.ts'
import type { TributaryFile } from '../model/tributary-file.ts'
import { createGovernance } from './governance.ts'
import { applyIpPolicy } from './privacy/ip.ts'
import { createPrivacy } from './privacy/privacy.ts'
import { createSuppression } from './suppress/suppression.ts'
import type { SuppressionListOptions } from './suppress/suppression-list.ts'
import { createSuppressionList } from './suppress/suppression-list.ts'

export interface GovernanceOptions extends Pick<SuppressionListOptions, 'configFile' | 'clock' | 'log'> {
  /** The tributary.yml in force; another object after each edit. */
  readonly current: () => TributaryFile
  /** PRIVACY_HASH_KEY; it must be there where a rule hashes: see checkHashKey(). */
  readonly privacyHashKey: string | undefined
}

export interface OpenGovernance {
  readonly rules: Governance
  readonly suppressions: SuppressionStore
  /** A sender's address as it may be kept; empty where it may not be. The source is undefined where it is not known. */
  keptAddress(source: Source | undefined, address: string): string
  close(): Promise<void>
}

/**
 * All parts of governance, in the order of an event's path.
 *
 * @throws ConfigError where a file that tributary.yml names cannot be used at the start
 */
export function openGovernance({ current, privacyHashKey, ...options }: GovernanceOptions): OpenGovernance {
  const suppressions = createSuppressionList({ ...options, current: () => current().suppress })
  return {
    rules: createGovernance([createSuppression(suppressions.ids), createPrivacy(privacyHashKey)]),
    suppressions,
    keptAddress(source, address) {
      const { ip = 'keep' } = (source === undefined ? current() : source).privacy ?? {}
      return applyIpPolicy(ip, address) ?? ''
    },
    close: suppressions.close
  }
}
