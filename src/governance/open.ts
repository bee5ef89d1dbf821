import { isbot } from 'isbot'
import type { Governance } from '../ingest/govern/governance.ts'
import type { SuppressionStore } from '../model/governance/suppress.ts'
import type { Source } from '../model/source.ts'
import type { TributaryFile } from '../model/tributary-file.ts'
import type { EditApproval } from '../keys/store/file-key-store.ts'
import { createBots } from './bots/bots.ts'
import { createGovernance } from './governance.ts'
import { createGpc } from './privacy/gpc.ts'
import { applyIpPolicy } from './privacy/ip.ts'
import { createPrivacy } from './privacy/privacy.ts'
import type { PlanRulesOptions } from './plans/enforce/plan-rules.ts'
import { createPlanRules } from './plans/enforce/plan-rules.ts'
import type { DifferingEvent } from './plans/enforce/violation-log.ts'
import { ViolationLog } from './plans/enforce/violation-log.ts'
import { approvePlans } from './plans/store/approve-plans.ts'
import { createPlanStore } from './plans/store/plan-store.ts'
import { createSuppression } from './suppress/suppression.ts'
import type { SuppressionListOptions } from './suppress/suppression-list.ts'
import { createSuppressionList } from './suppress/suppression-list.ts'

export interface GovernanceOptions extends Pick<SuppressionListOptions, 'configFile' | 'clock' | 'log'> {
  /** The tributary.yml in force; another object after each edit. */
  readonly current: () => TributaryFile
  /** PRIVACY_HASH_KEY; it must be there where a rule hashes: see checkHashKey(). */
  readonly privacyHashKey: string | undefined
  /** Told of each event that differs from its plan; undefined: nobody wants to know. */
  readonly onNoted?: PlanRulesOptions['onNoted']
}

export interface OpenGovernance {
  readonly rules: Governance
  readonly suppressions: SuppressionStore
  /** A sender's address as it may be kept; empty where it may not be. The source is undefined where it is not known. */
  keptAddress(source: Source | undefined, address: string): string
  /** What differs from the plans since the start. */
  readonly violations: ViolationLog
  /** An edit of tributary.yml comes into force with the plans that it names, or not at all; then `next` is asked. */
  approve(next: EditApproval): EditApproval
  /** Reads the plans again now. */
  check(): void
  close(): Promise<void>
}

/**
 * All parts of governance, in the order of an event's path.
 *
 * Rejects with ConfigError where a file that tributary.yml names cannot be used at the start
 */
export async function openGovernance(options: GovernanceOptions): Promise<OpenGovernance> {
  const { current, privacyHashKey, onNoted, ...others } = options
  const suppressions = createSuppressionList({ ...others, current: () => current().suppress })
  const plans = createPlanStore(others)
  const takeEffect = await plans.prepare(current())
  takeEffect()
  const violations = new ViolationLog()
  const onDifference = (event: DifferingEvent): void =>
    violations.add(event, new Date(others.clock.now()).toISOString())
  return {
    rules: createGovernance([
      createSuppression(suppressions.ids),
      createPrivacy(privacyHashKey),
      createGpc(),
      createBots(isbot),
      createPlanRules({ planOf: plans.planOf, onDifference, onNoted })
    ]),
    suppressions,
    violations,
    keptAddress(source, address) {
      const { ip = 'keep' } = (source === undefined ? current() : source).privacy ?? {}
      return applyIpPolicy(ip, address) ?? ''
    },
    approve: next => approvePlans(plans, next, others),
    check: plans.check,
    close: async () => {
      await Promise.all([suppressions.close(), plans.close()])
    }
  }
}
