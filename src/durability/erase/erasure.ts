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

/** Called before each step that changes the disk, with the step and the name of the file. */
export type OnStep = (step: ErasureStep, file: string) => void

export type ErasureStep = 'write' | 'uncheck' | 'replace' | 'check' | 'remove' | 'position'

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
  readonly onStep?: OnStep
}

export const ignoreStep: OnStep = () => undefined
