import type { SASLOptions } from '@platformatic/kafka'
import { TokenTrouble } from './token-provider.ts'

/** The credentials for the brokers. Functions are called for each connection and each re-authentication. */
export type KafkaSasl =
  | {
      readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
      readonly username: string
      readonly password: string | (() => string)
    }
  | { readonly mechanism: 'OAUTHBEARER'; readonly token: () => Promise<string> }

/** The credentials in the form of the client's options. */
export function saslOptions(sasl: KafkaSasl): SASLOptions {
  return sasl.mechanism === 'OAUTHBEARER' ? { ...sasl, authBytesValidator: validateAnswer } : { ...sasl }
}

/**
 * A broker answers a token that it refuses with JSON instead of an error (RFC 7628, section 3.2.3). The client's own
 * check of that answer calls back twice.
 */
function validateAnswer(bytes: Buffer, done: (error: Error | null, bytes: Buffer) => void): void {
  if (bytes.length === 0) return done(null, bytes)
  const status = /"status"\s*:\s*"([\w ]{1,64})"/.exec(bytes.toString('utf8'))?.[1] ?? 'refused'
  const todo = 'check KAFKA_OAUTH_SCOPE and KAFKA_OAUTH_AUDIENCE, and the clocks of this machine and of the brokers'
  done(new TokenTrouble(`the brokers refuse the token (${status}): ${todo}`), bytes)
}
