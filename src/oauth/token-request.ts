import type { TokenErrorCode } from '../model/oauth/token-errors.ts'

/** What a request for a token asks for. */
export interface TokenRequest {
  readonly assertion: string
  /** Undefined: all that the app may have. */
  readonly scope: string | undefined
}

const GRANT_TYPE = 'client_credentials'
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const FORM = /^application\/x-www-form-urlencoded[ \t]*(?:;|$)/i

/** Whether a request has the Content-Type of RFC 6749, 4.4.2. */
export function isForm(contentType: string | undefined): boolean {
  return FORM.test((contentType ?? '').trim())
}

/** Reads the form of RFC 7523, 2.2. Parameters that are not known are ignored (RFC 6749, 3.2). */
export function readTokenRequest(body: Buffer): TokenRequest | TokenErrorCode {
  const form = new URLSearchParams(body.toString('utf8'))
  const names = [...form.keys()]
  if (new Set(names).size !== names.length) return 'malformed'
  // An empty parameter counts as one that is left out (RFC 6749, 3.2).
  const value = (name: string): string | undefined => form.get(name) || undefined
  const grantType = value('grant_type')
  if (grantType === undefined) return 'malformed'
  if (grantType !== GRANT_TYPE) return 'grant_type'
  const assertion = value('client_assertion')
  if (assertion === undefined || value('client_assertion_type') !== ASSERTION_TYPE) return 'assertion_missing'
  return { assertion, scope: value('scope') }
}

/** The scopes that a token gets: those that were asked for; undefined where the app may not have one of them. */
export function grantedScope(asked: string | undefined, allowed: string): string | undefined {
  if (asked === undefined) return allowed
  const wanted = asked.split(' ').filter(scope => scope !== '')
  const known = allowed.split(' ')
  return wanted.length > 0 && wanted.every(scope => known.includes(scope)) ? wanted.join(' ') : undefined
}
