/** Why there is no token, or why a broker refuses the one that it got. The message is for operators, without secrets. */
export class TokenTrouble extends Error {
  override readonly name = 'TokenTrouble'
  readonly code = 'KAFKA_TOKEN'
}

export function isTokenTrouble(error: unknown): error is TokenTrouble {
  return error instanceof TokenTrouble
}
