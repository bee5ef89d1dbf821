/** The actions of people that are audited; a closed list. */
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

/** One audited action. No text contains a key, a password or a user's id. */
export interface AuditFacts {
  /** A user's name; `admin` for anyone with the password. */
  readonly who: string
  /** An address, a machine or a file. */
  readonly from: string
  /** What was done, as text. */
  readonly what: string
  /** One line for each change; long values are cut. */
  readonly changes?: readonly string[]
  /** The same lines with whole values, if a value is cut. */
  readonly whole?: readonly string[]
}

export interface AuditEntry extends AuditFacts {
  /** RFC 3339. */
  readonly at: string
  readonly action: AuditAction
}

/** Records an action. Never throws. */
export type Audit = (action: AuditAction, facts: AuditFacts) => void
