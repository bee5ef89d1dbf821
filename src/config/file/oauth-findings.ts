import { createPublicKey } from 'node:crypto'
import { findingsOf, memberItem, listItems, findRepeated, unknownSource } from './items.ts'
import { toSeconds } from './oauth-entry.ts'
import type { Finding } from './yaml-source.ts'

const MAX_TTL_SECONDS = 30 * 24 * 60 * 60
const LEAST_RSA_BITS = 2048
const CURVES: readonly (string | undefined)[] = ['prime256v1', 'P-256']

/**
 * Checks what the schema cannot express about `apps` and `issuers`.
 *
 * @param sourceIds the ids of the file's sources
 */
export function oauthFindings(data: unknown, sourceIds: readonly string[]): Finding[] {
  const apps = listItems(data, 'apps')
  const issuers = listItems(data, 'issuers')
  return [
    ...findRepeated(
      issuers.map(item => memberItem(item, 'issuer')),
      first => `another entry has this issuer (${first})`
    ),
    ...issuers.flatMap(item => ['issuer', 'jwksUri'].flatMap(name => findingsOf(memberItem(item, name), urlFault))),
    ...issuers
      .flatMap(item => listItems(item.value, 'rules', item.path))
      .flatMap(rule => listItems(rule.value, 'sources', rule.path))
      .flatMap(item => unknownSource(item, sourceIds)),
    ...findRepeated(
      apps.map(item => memberItem(item, 'id')),
      first => `another app has this id (${first})`
    ),
    ...apps.flatMap(app => {
      const keys = listItems(app.value, 'publicKeys', app.path)
      return [
        ...findRepeated(
          keys.map(item => memberItem(item, 'kid')),
          first => `another key of this app has this kid (${first})`
        ),
        ...keys.map(item => memberItem(item, 'pem')).flatMap(item => findingsOf(item, publicKeyFault)),
        ...findingsOf(memberItem(app, 'ttl'), ttlFault),
        ...listItems(app.value, 'sources', app.path).flatMap(item => unknownSource(item, sourceIds))
      ]
    })
  ]
}

/** Why a text is not a public key for assertions; undefined if it is one. The reason never quotes the text. */
function publicKeyFault(pem: string): string | undefined {
  if (pem.includes('PRIVATE KEY')) return 'this is a private key: it stays with the app; put its public key here'
  try {
    const key = createPublicKey(pem)
    const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {}
    if (key.asymmetricKeyType === 'rsa' && modulusLength < LEAST_RSA_BITS) {
      return `an RSA key of ${modulusLength} bits is too short: ${LEAST_RSA_BITS} or more`
    }
    const isKnown =
      ['rsa', 'ed25519'].includes(key.asymmetricKeyType ?? '') ||
      (key.asymmetricKeyType === 'ec' && CURVES.includes(namedCurve))
    return isKnown ? undefined : 'a key of this kind is not taken: RSA, P-256 (ES256) or Ed25519'
  } catch {
    return 'expected a public key in PEM form (-----BEGIN PUBLIC KEY-----)'
  }
}

function ttlFault(text: string): string | undefined {
  const seconds = toSeconds(text)
  // The schema's finding covers any other form.
  return seconds !== undefined && seconds > MAX_TTL_SECONDS ? 'at most 30d' : undefined
}

/** A fault if a URL has no TLS, because the keys could then be replaced on the way. Loopback addresses are allowed for tests and side-cars. */
function urlFault(text: string): string | undefined {
  const { protocol = '', hostname = '' } = URL.canParse(text) ? new URL(text) : {}
  const isOwn = protocol === 'http:' && ['127.0.0.1', '[::1]', 'localhost'].includes(hostname)
  return protocol === 'https:' || isOwn ? undefined : 'expected a URL with https'
}
