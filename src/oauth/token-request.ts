import type { TokenErrorCode } from '../model/oauth/token-errors.ts'

/** A request for a token. */
export interface TokenRequest {
  readonly assertion: string
  /** Undefined: all scopes of the app. */
  readonly scope: string | undefined
}

const GRANT_TYPE = 'client_credentials'
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const FORM = /^application\/x-www-form-urlencoded[ \t]*(?:;|$)/i

/** Whether a request has the Content-Type of RFC 6749, 4.4.2. */
export function isForm(contentType: string | undefined): boolean {
  return FORM.test((contentType ?? '').trim())
}

/** Parses the form of RFC 7523, 2.2. Unknown parameters are ignored (RFC 6749, 3.2). Returns the code of an error. */
export function readTokenRequest(body: Buffer): TokenRequest | TokenErrorCode {
  const form = new URLSearchParams(body.toString('utf8'))
  const names = [...form.keys()]
  if (new Set(names).size !== names.length) return 'malformed'
  // An empty parameter counts as missing (RFC 6749, 3.2).
  const value = (name: string): string | undefined => form.get(name) || undefined
  const grantType = value('grant_type')
  if (grantType === undefined) return 'malformed'
  if (grantType !== GRANT_TYPE) return 'grant_type'
  const assertion = value('client_assertion')
  if (assertion === undefined || value('client_assertion_type') !== ASSERTION_TYPE) return 'assertion_missing'
  return { assertion, scope: value('scope') }
}

/** The scopes of a token: those requested, by default all of the app; undefined if the app lacks a requested one. */
export function grantedScope(asked: string | undefined, allowed: string): string | undefined {
  if (asked === undefined) return allowed
  const wanted = asked.split(' ').filter(scope => scope !== '')
  const known = allowed.split(' ')
  return wanted.length > 0 && wanted.every(scope => known.includes(scope)) ? wanted.join(' ') : undefined
}
