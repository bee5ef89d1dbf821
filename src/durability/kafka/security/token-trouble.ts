/** Why there is no token, or why a broker refuses it. The message is for operators and contains no secret. */
export class TokenTrouble extends Error {
  override readonly name = 'TokenTrouble'
  readonly code = 'KAFKA_TOKEN'
}

export function isTokenTrouble(error: unknown): error is TokenTrouble {
  return error instanceof TokenTrouble
}
