import type { ErrorCode } from '../model/errors.ts'
import type { TributaryFile } from '../model/tributary-file.ts'

/** A token with a valid signature and valid times. */
export interface VerifiedToken {
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
  /** Whether the key that signed it is still accepted. */
  isKeyKnown(): boolean
  /** Why the token does not allow sending to a source, by the file; undefined if it does. */
  refusal(file: TributaryFile, sourceId: string): ErrorCode | undefined
}
