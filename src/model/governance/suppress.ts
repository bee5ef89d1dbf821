/** `suppress:` of tributary.yml: whose events are not kept. */
export interface SuppressConfig {
  /** Ids as clients send them, or `sha256:` and the SHA-256 of one in hex. */
  readonly users: readonly string[]
  /** A file with more of them, one a line; relative to tributary.yml. Undefined: the default one, if it is there. */
  readonly file: string | undefined
}

/** What the admin API and the commands do with the list. */
export interface SuppressionStore {
  /** The entries in force, and where each stands. */
  list(): readonly SuppressedUser[]
  /** Resolves when the ids are in force, with how many were new. Rejects with ConfigError where they cannot be written. */
  add(ids: readonly string[]): Promise<number>
  /**
   * Resolves when the ids are no longer in force, with how many the file had. Those that stand in tributary.yml itself stay:
   * they are for whoever edits that file.
   */
  remove(ids: readonly string[]): Promise<number>
}

export interface SuppressedUser {
  /** `sha256:` and the SHA-256 of the id: an id in the clear is not shown. */
  readonly user: string
  /** Where it stands: in tributary.yml, or in the suppression file. */
  readonly from: 'config' | 'file'
}
