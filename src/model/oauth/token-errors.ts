/**
 * All error answers of POST /token, in the form of RFC 6749, 5.2. The statuses are those that Segment's SDKs know
 * (token-manager.js of analytics-node 3.1.0, oauth_manager.py of segment-analytics-python 2.4.0): the SDKs give up
 * after 400, 401 and 415, wait after 429, and try again after any other status. An assertion that is early or late gets
 * 425 (RFC 8470, Too Early), so that both SDKs try again, with their clock corrected by the Date header.
 */
export const TOKEN_ERRORS = {
  malformed: { status: 400, error: 'invalid_request', description: 'the request is not one for a token' },
  content_type: {
    status: 415,
    error: 'invalid_request',
    description: 'the Content-Type must be application/x-www-form-urlencoded, without a Content-Encoding'
  },
  grant_type: {
    status: 400,
    error: 'unsupported_grant_type',
    description: 'grant_type must be client_credentials'
  },
  assertion_missing: {
    status: 401,
    error: 'invalid_client',
    description:
      'client_assertion_type must be urn:ietf:params:oauth:client-assertion-type:jwt-bearer, with a JWT as client_assertion'
  },
  assertion_malformed: { status: 401, error: 'invalid_client', description: 'client_assertion is no signed JWT' },
  algorithm: { status: 401, error: 'invalid_client', description: 'alg must be RS256, ES256 or EdDSA, as the key is' },
  app_unknown: { status: 401, error: 'invalid_client', description: 'no app has the id that sub names' },
  issuer: { status: 401, error: 'invalid_client', description: 'iss must be the app id, as sub is, or this server' },
  key_unknown: { status: 401, error: 'invalid_client', description: 'the app has no public key of this kid' },
  signature: { status: 401, error: 'invalid_client', description: "the signature is not of the app's key" },
  claims: {
    status: 401,
    error: 'invalid_client',
    description: 'iss, sub, aud, exp, iat and jti must be as RFC 7523 has them'
  },
  audience: {
    status: 401,
    error: 'invalid_client',
    description: 'aud must be the URL of this server (PUBLIC_URL), with or without a slash or /token behind it'
  },
  lifetime: { status: 401, error: 'invalid_client', description: 'exp must be at most 120 s away' },
  replayed: { status: 401, error: 'invalid_client', description: 'this jti was used before' },
  scope: { status: 400, error: 'invalid_scope', description: 'the app may not have this scope' },
  // The SDK for Python searches for these words.
  expired: { status: 425, error: 'invalid_request', description: 'Token is expired' },
  early: { status: 425, error: 'invalid_request', description: 'Token used before issued' },
  too_many: {
    status: 429,
    error: 'slow_down',
    description: 'too many requests for tokens were refused to this address'
  },
  behind: {
    status: 503,
    error: 'temporarily_unavailable',
    description: 'this server does not know the app, and may be behind the other servers of its fleet'
  },
  overloaded: { status: 503, error: 'temporarily_unavailable', description: 'the server is overloaded' },
  unavailable: { status: 503, error: 'temporarily_unavailable', description: 'no token can be made now' }
} as const satisfies Record<string, { status: number; error: string; description: string }>

export type TokenErrorCode = keyof typeof TOKEN_ERRORS

/** The result of a request for a token. */
export type TokenOutcome = 'issued' | TokenErrorCode
