import { randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import type { GoodAssertion } from './assertion.ts'
import type { SigningKeys } from './signing-keys.ts'

/** The type of a token in its header (RFC 9068, 2.1). */
export const TOKEN_TYPE = 'at+jwt'

export interface IssueFacts extends Pick<GoodAssertion, 'app' | 'kid'> {
  readonly scope: string
  /** The issuer and the audience of tokens. */
  readonly issuer: string
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** Creates a token (RFC 9068, 2.2) for an app. Rejects with a readable Error if there is no key to sign it. */
export async function issueToken(keys: SigningKeys, { app, kid, scope, issuer, now }: IssueFacts): Promise<string> {
  const { kid: ownKid, algorithm, privateKey } = await keys.current()
  const seconds = Math.floor(now / 1000)
  // app_key: removing the app's key revokes the tokens that were issued for it.
  return new SignJWT({ client_id: app.id, scope, app_key: kid })
    .setProtectedHeader({ alg: algorithm, typ: TOKEN_TYPE, kid: ownKid })
    .setIssuer(issuer)
    .setAudience(issuer)
    .setSubject(app.id)
    .setIssuedAt(seconds)
    .setExpirationTime(seconds + app.ttlSeconds)
    .setJti(randomUUID())
    .sign(privateKey)
}
