import { randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import type { GoodAssertion } from './assertion.ts'
import type { SigningKeys } from './signing-keys.ts'

/** The type of a token in its header (RFC 9068, 2.1). */
export const TOKEN_TYPE = 'at+jwt'

export interface IssueFacts extends Pick<GoodAssertion, 'app' | 'kid'> {
  readonly scope: string
  /** Who tokens are from, and who they are for. */
  readonly issuer: string
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** A token (RFC 9068, 2.2) for an app. Rejects with an Error in words where there is no key to sign it with. */
export async function issueToken(keys: SigningKeys, { app, kid, scope, issuer, now }: IssueFacts): Promise<string> {
  const { kid: ownKid, algorithm, privateKey } = await keys.current()
  const seconds = Math.floor(now / 1000)
  // app_key: a key that is taken away from the app takes its tokens along.
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
