/** What people did to a server: the closed list. */
export const AUDIT_ACTIONS = [
  'login',
  'login_failed',
  'key_shown',
  'key_added',
  'key_revoked',
  'config_changed',
  'config_pushed',
  'retry',
  'replay',
  'clear',
  'test_sent',
  'suppressed',
  'unsuppressed',
  'forgotten'
] as const

export type AuditAction = (typeof AUDIT_ACTIONS)[number]

/** Who did what. No text of it holds a key, a password or a user's id. */
export interface AuditFacts {
  /** A user's name; `admin` for whoever has the password. */
  readonly who: string
  /** An address, a machine or a file. */
  readonly from: string
  /** What was done, in words. */
  readonly what: string
  /** One line for each change. */
  readonly changes?: readonly string[]
}

export interface AuditEntry extends AuditFacts {
  /** RFC 3339. */
  readonly at: string
  readonly action: AuditAction
}

/** Keeps what somebody did. Never throws. */
export type Audit = (action: AuditAction, facts: AuditFacts) => void
