/** A server of another party that issues tokens: Keycloak, Auth0, Okta, Entra. */
export interface OAuthIssuer {
  /** The `iss` of its tokens. */
  readonly issuer: string
  /** The URL of its public keys; undefined: its discovery document has it. */
  readonly jwksUri: string | undefined
  /** The `aud` of a token must contain one of these. */
  readonly audience: readonly string[]
  /** The value that a token must have in `scope`, `scp` or `roles`; undefined: none. */
  readonly scope: string | undefined
  /** Which tokens may send to which sources. All matching rules count. */
  readonly rules: readonly IssuerRule[]
}

export interface IssuerRule {
  /** The claims that a token must have, with their values. In a list, one item must match. */
  readonly claims: Readonly<Record<string, string>>
  /** Ids of sources. */
  readonly sources: readonly string[]
}
