/** Whether requests with a source's write key need an OAuth token: not looked at; checked where one is sent; needed. */
export type OAuthMode = 'off' | 'optional' | 'required'

/** What Segment's SDKs ask for. */
export const DEFAULT_SCOPE = 'tracking_api:write'

/** One program, or one group of them, that may ask for tokens at POST /token. */
export interface OAuthApp {
  /** The client id of the SDKs. */
  readonly id: string
  /** One, or two while a key is replaced. */
  readonly publicKeys: readonly AppKey[]
  /** Ids of the sources that its tokens may send to; undefined: all. */
  readonly sources: readonly string[] | undefined
  /** What its tokens are good for. */
  readonly scope: string
  /** How long its tokens live, in seconds. */
  readonly ttlSeconds: number
}

export interface AppKey {
  /** The key id of the SDKs. */
  readonly kid: string
  /** SPKI in PEM form: RSA of 2048 bits or more, P-256, or Ed25519. */
  readonly pem: string
}
