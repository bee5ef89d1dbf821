import { hash, randomBytes } from 'node:crypto'

export interface Sessions {
  /** Starts a session, and returns the value for its cookie. */
  begin(): string
  isValid(token: string): boolean
  end(token: string): void
  /** Ends all sessions, because the password has changed. */
  endAll(): void
}

export const SESSION_SECONDS = 12 * 60 * 60
const MAX_SESSIONS = 1_000
const TOKEN_BYTES = 32

/** The sessions of the login form. Their tokens are kept in memory as digests: a restart ends every session. */
export function createSessions(monotonic: () => number): Sessions {
  /** The end of each session by the digest of its token, oldest first. */
  const ends = new Map<string, number>()
  const digest = (token: string): string => hash('sha256', token)

  return {
    begin() {
      const token = randomBytes(TOKEN_BYTES).toString('base64url')
      const [oldest] = ends.keys()
      if (ends.size >= MAX_SESSIONS && oldest !== undefined) ends.delete(oldest)
      ends.set(digest(token), monotonic() + SESSION_SECONDS * 1000)
      return token
    },
    isValid(token) {
      const end = ends.get(digest(token))
      if (end === undefined) return false
      if (monotonic() < end) return true
      ends.delete(digest(token))
      return false
    },
    end: token => void ends.delete(digest(token)),
    endAll: () => ends.clear()
  }
}
