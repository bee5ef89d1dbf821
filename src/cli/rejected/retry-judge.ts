import { join } from 'node:path'
import type { Config } from '../../config/env/config.ts'
import { loadContract } from '../../contract/document.ts'
import { hashKeyProblem } from '../../governance/privacy/check-hash-key.ts'
import type { OpenGovernance } from '../../governance/open.ts'
import { openGovernance } from '../../governance/open.ts'
import { JudgedRequest } from '../../ingest/govern/judged-request.ts'
import type { Judge } from '../../ingest/judge/judge.ts'
import { createJudge, judgeEvent } from '../../ingest/judge/judge.ts'
import { createValidator } from '../../ingest/judge/validate.ts'
import { parseBody } from '../../ingest/parse/body.ts'
import { systemClock } from '../../model/clock.ts'
import type { Source } from '../../model/source.ts'
import type { TributaryFile } from '../../model/tributary-file.ts'

const CONTRACT_FILE = join(import.meta.dirname, '../../../openapi.yml')

/** Says what the server would do with an event, by the same code and the same files as the server. */
export interface RetryJudge {
  /** Why the server would not accept the event, as JSON, from this source; undefined if it would. */
  whyNot(event: string, source: Source): string | undefined
  close(): Promise<void>
}

/**
 * Opens the contract, and the rules of tributary.yml with their plans and suppressed users. Rejects with ConfigError if one
 * of these files cannot be used: the server would not start with it either.
 */
export async function openRetryJudge(config: Config, file: TributaryFile): Promise<RetryJudge> {
  const { validation, limits, configFile } = config
  const validator = createValidator({ contract: loadContract(CONTRACT_FILE), mode: validation, limits })
  const judge = createJudge({ validator, limits })
  // Nothing that is hashed here is sent: the server hashes again, with its own key.
  const privacyHashKey = hashKeyProblem(file, config.privacyHashKey) === undefined ? config.privacyHashKey : 'unused'
  const governance = await openGovernance({
    configFile,
    current: () => file,
    privacyHashKey,
    clock: systemClock,
    log: { info: () => undefined, warn: () => undefined }
  })
  return { whyNot: (event, source) => whyNot(judge, governance, event, source), close: governance.close }
}

function whyNot(judge: Judge, { rules }: OpenGovernance, event: string, source: Source): string | undefined {
  const endpoint = { kind: 'batch' } as const
  const parsed = parseBody(Buffer.from(`{"batch":[${event}]}`), { endpoint: 'batch', limits: judge.limits })
  if (!parsed.ok) return `refused again: ${parsed.fault.code}`
  const judged = judgeEvent(judge, endpoint, parsed.body, 0)
  if (judged.fault !== undefined) return `refused again: ${judged.fault.code} (${judged.fault.message})`
  const governor = rules.of(source, {})
  if (governor === undefined) return undefined
  const request = new JudgedRequest(judge, endpoint, parsed.body, [judged])
  for (const step of governor.steps) step(request)
  const { outcome } = request.verdictOf(0) ?? {}
  if (outcome !== undefined) return `${outcome} by a rule of the source`
  const { fault } = request.events[0] ?? {}
  if (fault === undefined) return undefined
  const where = fault.pointer === '' ? '' : `${fault.pointer}: `
  return `blocked again by the tracking plan: ${fault.code} (${where}${fault.message})`
}
