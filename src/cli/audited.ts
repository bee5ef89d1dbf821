import { existsSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'
import { readDataDirName } from '../config/env/environment.ts'
import type { AuditAction } from '../model/operations/audit.ts'
import { createAudit } from '../telemetry/audit.ts'

/** Records a command in the audit of DATA_DIR. Does nothing if that folder is not on this machine. */
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

/** The user's name, or the uid if it has no name, as in containers. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}
