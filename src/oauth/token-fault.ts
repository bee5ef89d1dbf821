import { errors } from 'jose'
import type { ErrorCode } from '../model/errors.ts'

/** The error code for a token that the library refuses. */
export function tokenFault(error: unknown): ErrorCode {
  if (error instanceof errors.JWTExpired) return 'token_expired'
  const isEarly =
    error instanceof errors.JWTClaimValidationFailed && error.claim === 'nbf' && error.reason === 'check_failed'
  return isEarly ? 'token_expired' : 'token_invalid'
}
