/**
 * Whether requests with a source's write key need an OAuth token: tokens are ignored, checked if there is one, or
 * required.
 */
export type OAuthMode = 'off' | 'optional' | 'required'

/** The scope that Segment's SDKs request. */
export const DEFAULT_SCOPE = 'tracking_api:write'

/** A program, or a group of programs, that may request tokens at POST /token. */
export interface OAuthApp {
  /** The client id of the SDKs. */
  readonly id: string
  /** One key, or two while a key is being replaced. */
  readonly publicKeys: readonly AppKey[]
  /** The ids of the sources to which its tokens may send; undefined: all. */
  readonly sources: readonly string[] | undefined
  /** The scope of its tokens. */
  readonly scope: string
  /** The lifetime of its tokens, in seconds. */
  readonly ttlSeconds: number
}

export interface AppKey {
  /** The key id of the SDKs. */
  readonly kid: string
  /** SPKI in PEM form: RSA of 2048 bits or more, P-256, or Ed25519. */
  readonly pem: string
}
