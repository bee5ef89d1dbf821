import { hash, randomBytes } from 'node:crypto'

export interface Sessions {
  /** Begins a session; the answer is what the cookie holds. */
  begin(): string
  isValid(token: string): boolean
  end(token: string): void
  /** For a password that is no longer the one they were begun with. */
  endAll(): void
}

export const SESSION_SECONDS = 12 * 60 * 60
const MAX_SESSIONS = 1_000
const TOKEN_BYTES = 32

/** Who has logged in with the form. Kept in memory as digests: a restart ends every session. */
export function createSessions(monotonic: () => number): Sessions {
  /** Digest of the token to its end, oldest first. */
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
