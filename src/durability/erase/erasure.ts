/** Decides which stored lines are removed. */
export interface Erasure {
  /**
   * Whether the record is to be removed.
   *
   * @param line a whole record, with or without its line feed
   */
  isGone(line: Buffer): boolean
  /**
   * Whether bytes may contain what is to be removed.
   *
   * @param bytes bytes that are no record, or not the record that was written
   */
  mayHold(bytes: Buffer): boolean
}

/** What was removed. */
export interface Erased {
  records: number
  files: number
}

/** Suffix of a file that is being rewritten. A server ignores such files. */
export const ERASING = '.erasing'

export interface EraseOptions {
  readonly erasure: Erasure
  /** Counts what would be removed, and changes nothing. */
  readonly isDryRun?: boolean
  /** Called before each step that changes the disk. */
  readonly onStep?: () => void
}

/**
 * Whether a line is to be removed. If its record is not JSON, because the line is torn or another program wrote it, the
 * bytes of the line decide.
 */
export function isGone(record: Buffer, erasure: Erasure, line = record): boolean {
  try {
    return erasure.isGone(record)
  } catch {
    return erasure.mayHold(line)
  }
}
