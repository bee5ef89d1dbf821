/**
 * All errors of requests except faults of the payload, with code, status and message. An answer with a `retryable` error has
 * Retry-After. SDKs send again after 429 and 5xx, and drop the batch after any other 4xx.
 */
export const ERRORS = {
  bad_request: { status: 400, retryable: false, message: 'the request is not valid HTTP' },
  write_key_missing: {
    status: 401,
    retryable: false,
    message:
      'no write key: send it as the Basic user name, as a Bearer token, or as writeKey in the body or in the query'
  },
  write_key_unknown: { status: 401, retryable: false, message: 'no source has this write key' },
  write_key_repeated: {
    status: 401,
    retryable: false,
    message: 'writeKey stands in the query more than once: send it once'
  },
  source_disabled: { status: 401, retryable: false, message: 'the source of this write key is disabled' },
  token_missing: {
    status: 401,
    retryable: false,
    message: 'the source of this write key needs an OAuth token: send it as a Bearer token, and the key in the body'
  },
  token_invalid: { status: 401, retryable: false, message: 'the Bearer token is no token that is known here' },
  token_revoked: { status: 401, retryable: false, message: 'the app that this token was made for is no more' },
  token_scope: { status: 401, retryable: false, message: 'the token has not the scope tracking_api:write' },
  token_source: { status: 401, retryable: false, message: 'the token is not for the source of this write key' },
  origin_not_allowed: {
    status: 403,
    retryable: false,
    message: "this Origin is not among the source's allowedOrigins"
  },
  not_found: { status: 404, retryable: false, message: 'there is no such path' },
  method_not_allowed: { status: 405, retryable: false, message: 'this path does not take that method' },
  request_timeout: { status: 408, retryable: true, message: 'the request did not arrive in time' },
  uri_too_long: { status: 414, retryable: false, message: 'the URL is too long' },
  encoding_unsupported: {
    status: 415,
    retryable: false,
    message: 'this Content-Encoding is not supported: use gzip, deflate, br, zstd or none'
  },
  charset_unsupported: { status: 415, retryable: false, message: 'this charset is not supported: use utf-8' },
  rate_limited: {
    status: 429,
    retryable: true,
    message: 'over the rate limit of this source (rateLimit in tributary.yml)'
  },
  too_many_unknown_keys: { status: 429, retryable: true, message: 'too many unknown write keys from this address' },
  headers_too_large: { status: 431, retryable: false, message: 'the headers are too large' },
  unavailable: { status: 503, retryable: true, message: 'the events cannot be made durable now' },
  configuration_behind: {
    status: 503,
    retryable: true,
    message: 'this server does not know the write key, and may be behind the other servers of its fleet'
  },
  issuer_unavailable: {
    status: 503,
    retryable: true,
    message: "the public keys of the token's issuer cannot be had now"
  },
  overloaded: { status: 503, retryable: true, message: 'the server is overloaded' },
  // After 511, Segment's SDKs get a new token and send again; after 401 they would drop the events.
  token_expired: { status: 511, retryable: false, message: 'the token has ended, or has not begun: ask for a new one' },
  token_unknown_key: {
    status: 511,
    retryable: false,
    message: 'the token, or the app, has a key that is not known here any more: ask for a new token'
  },
  internal_error: { status: 503, retryable: true, message: 'the server failed; the events were not taken' }
} as const satisfies Record<string, { status: number; retryable: boolean; message: string }>

export type ErrorCode = keyof typeof ERRORS

/** The body of an error answer as JSON text: `{"success":false,"message":...,"code":...}`. */
export function errorBody(code: ErrorCode, message: string = ERRORS[code].message): string {
  return JSON.stringify({ success: false, message, code })
}

/** The WWW-Authenticate header of errors that are about credentials (RFC 9110, 11.6.1; RFC 6750, 3). */
export const CHALLENGES: Readonly<Partial<Record<ErrorCode, string>>> = {
  write_key_missing: 'Basic realm="tributary", charset="UTF-8"',
  token_missing: 'Bearer realm="tributary"',
  token_invalid: 'Bearer realm="tributary", error="invalid_token"',
  token_revoked: 'Bearer realm="tributary", error="invalid_token"',
  token_scope: 'Bearer realm="tributary", error="insufficient_scope"',
  token_source: 'Bearer realm="tributary", error="insufficient_scope"'
}

export const DEFAULT_RETRY_AFTER_SECONDS = 1
