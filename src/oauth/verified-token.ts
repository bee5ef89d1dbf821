import type { ErrorCode } from '../model/errors.ts'
import type { TributaryFile } from '../model/tributary-file.ts'

/** A token whose signature and times are good. */
export interface VerifiedToken {
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
  /** Whether the key that has signed it still counts. */
  isKeyKnown(): boolean
  /** Why a source may not be sent to with it, as the file says; undefined: it may. */
  refusal(file: TributaryFile, sourceId: string): ErrorCode | undefined
}
