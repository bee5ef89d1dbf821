/** A server of others that makes tokens: Keycloak, Auth0, Okta, Entra. */
export interface OAuthIssuer {
  /** As `iss` of its tokens has it. */
  readonly issuer: string
  /** Where its public keys are; undefined: as its discovery document says. */
  readonly jwksUri: string | undefined
  /** One of these must be among the `aud` of a token. */
  readonly audience: readonly string[]
  /** What a token must have in `scope`, `scp` or `roles`; undefined: nothing. */
  readonly scope: string | undefined
  /** Which tokens may send to which sources; all rules that fit count. */
  readonly rules: readonly IssuerRule[]
}

export interface IssuerRule {
  /** Claims that a token must have, with these values; of a list, one of its items. */
  readonly claims: Readonly<Record<string, string>>
  /** Ids of sources. */
  readonly sources: readonly string[]
}
