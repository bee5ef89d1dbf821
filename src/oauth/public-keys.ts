import { createPublicKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import type { AppKey } from '../model/oauth/oauth.ts'

/** The accepted algorithms of RFC 7518 and RFC 8037: without `none`, and without shared secrets. */
export type Algorithm = 'RS256' | 'ES256' | 'EdDSA'

export interface PublicKey {
  readonly key: KeyObject
  /** The only algorithm that the key is used with. */
  readonly algorithm: Algorithm
}

const made = new WeakMap<AppKey, PublicKey>()

/** Parses the public key of an app, which was checked when tributary.yml was read. */
export function publicKeyOf(appKey: AppKey): PublicKey {
  const known = made.get(appKey)
  if (known !== undefined) return known
  const key = createPublicKey(appKey.pem)
  const found = { key, algorithm: algorithmOf(key) }
  made.set(appKey, found)
  return found
}

/** The algorithm of a key. Throws an Error for a key that is not RSA, P-256 or Ed25519. */
export function algorithmOf(key: KeyObject): Algorithm {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key
  if (type === 'rsa') return 'RS256'
  if (type === 'ed25519') return 'EdDSA'
  if (type === 'ec' && details?.namedCurve === 'prime256v1') return 'ES256'
  throw new Error('expected a key of RSA, P-256 or Ed25519')
}
