/** Which of the stored lines are to go. */
export interface Erasure {
  /** @param line a whole record; its line feed may be there */
  isGone(line: Buffer): boolean
  /** @param bytes what is no record, or no longer the one that was written: whether it may hold what is to go */
  mayHold(bytes: Buffer): boolean
}

/** Told before each step that changes the disk; the name of a file, and what is about to be done to it. */
export type OnStep = (step: ErasureStep, file: string) => void

export type ErasureStep = 'write' | 'uncheck' | 'replace' | 'check' | 'remove' | 'position'

/** What was taken out. */
export interface Erased {
  records: number
  files: number
}

/** Of a file that is being written anew. A server takes such a file for nothing of its own. */
export const ERASING = '.erasing'

export interface EraseOptions {
  readonly erasure: Erasure
  /** Counts what would go, and changes nothing. */
  readonly isDryRun?: boolean
  readonly onStep?: OnStep
}

export const ignoreStep: OnStep = () => undefined
