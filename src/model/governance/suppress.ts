/** `suppress:` of tributary.yml: the users whose events are not kept. */
export interface SuppressConfig {
  /** Ids as clients send them, or `sha256:` and the SHA-256 of an id in hex. */
  readonly users: readonly string[]
  /** A file with further ids, one a line, relative to tributary.yml. Undefined: the default file, if it exists. */
  readonly file: string | undefined
}

/** The list as the admin API and the commands use it. */
export interface SuppressionStore {
  /** The entries in force, and the place of each. */
  list(): readonly SuppressedUser[]
  /**
   * Resolves with the number of new ids when the ids are in force. Rejects with ConfigError if they cannot be written.
   */
  add(ids: readonly string[]): Promise<number>
  /**
   * Resolves with the number of removed ids when they are no longer in force. Ids in tributary.yml itself stay,
   * because people edit that file.
   */
  remove(ids: readonly string[]): Promise<number>
}

export interface SuppressedUser {
  /** `sha256:` and the SHA-256 of the id, so that no plain id is shown. */
  readonly user: string
  /** The place of the entry: tributary.yml, or the suppression file. */
  readonly from: 'config' | 'file'
}
