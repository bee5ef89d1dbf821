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

/** The policies for addresses, that which keeps least first. */
const STRICTEST_FIRST = ['drop', 'truncate', 'keep'] as const

export interface GovernanceOptions extends Pick<SuppressionListOptions, 'configFile' | 'clock' | 'log'> {
  /** The tributary.yml in force; a new object after each edit. */
  readonly current: () => TributaryFile
  /** PRIVACY_HASH_KEY. It must be set if a rule hashes: see checkHashKey(). */
  readonly privacyHashKey: string | undefined
  /** Called with each event that differs from its plan. */
  readonly onNoted?: PlanRulesOptions['onNoted']
}

export interface OpenGovernance {
  readonly rules: Governance
  readonly suppressions: SuppressionStore
  /**
   * The form in which a sender's address may be kept; empty if it may not be kept. The source is undefined if it is not
   * known.
   */
  keptAddress(source: Source | undefined, address: string): string
  /** The differences from the plans since the start. */
  readonly violations: ViolationLog
  /**
   * Makes an edit of tributary.yml take effect together with the plans that it names, or not at all; then calls `next`.
   */
  approve(next: EditApproval): EditApproval
  /** Reads the plans again now. */
  check(): void
  close(): Promise<void>
}

/**
 * Opens all parts of governance, in the order in which an event passes them. Rejects with ConfigError if a file that
 * tributary.yml names cannot be used at the start.
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
      // Whose request it was is not known: it may be of the source that keeps least.
      const rules = source === undefined ? [current(), ...current().sources] : [source]
      const policies = rules.map(({ privacy }) => privacy?.ip ?? 'keep')
      const ip = STRICTEST_FIRST.find(policy => policies.includes(policy)) ?? 'keep'
      return applyIpPolicy(ip, address) ?? ''
    },
    approve: next => approvePlans(plans, next, others),
    check: plans.check,
    close: async () => {
      await Promise.all([suppressions.close(), plans.close()])
    }
  }
}
