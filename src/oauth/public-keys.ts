import { createPublicKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import type { AppKey } from '../model/oauth/oauth.ts'

/** The algorithms of RFC 7518 and RFC 8037 that are taken: no `none`, and none that signs with a shared secret. */
export type Algorithm = 'RS256' | 'ES256' | 'EdDSA'

export interface PublicKey {
  readonly key: KeyObject
  /** The one algorithm that the key is used with. */
  readonly algorithm: Algorithm
}

const made = new WeakMap<AppKey, PublicKey>()

/** The key of an app; reading tributary.yml has checked that it is one. */
export function publicKeyOf(appKey: AppKey): PublicKey {
  const known = made.get(appKey)
  if (known !== undefined) return known
  const key = createPublicKey(appKey.pem)
  const found = { key, algorithm: algorithmOf(key) }
  made.set(appKey, found)
  return found
}

/** Throws an Error for a key of another kind than RSA, P-256 and Ed25519. */
export function algorithmOf(key: KeyObject): Algorithm {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key
  if (type === 'rsa') return 'RS256'
  if (type === 'ed25519') return 'EdDSA'
  if (type === 'ec' && details?.namedCurve === 'prime256v1') return 'ES256'
  throw new Error('expected a key of RSA, P-256 or Ed25519')
}
