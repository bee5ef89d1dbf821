import { existsSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'
import { readDataDirName } from '../config/env/environment.ts'
import type { AuditAction } from '../model/operations/audit.ts'
import { createAudit } from '../telemetry/audit.ts'

/** Keeps what a command did in the audit of DATA_DIR; where that folder is not on this machine, nothing is kept. */
export function auditCommand(action: AuditAction, what: string, changes: readonly string[] = []): void {
  const dataDir = readDataDirName()
  if (!existsSync(dataDir)) return
  createAudit({ dataDir, now: Date.now })(action, {
    who: userName(),
    from: `command line on ${hostname()}`,
    what,
    changes
  })
}

/** Containers run as numbers without a name. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}
