/** The reason of a failed fetch, as one line: the system's error code if there is one, such as ECONNREFUSED. */
export function fetchFailureReason(error: unknown): string {
  const { code, message } = causeOf(error)
  return code ?? message ?? (error as Error).message
}

/** What is wrong with the certificate of a server, and what to do. */
export interface CertificateTrouble {
  readonly says: string
  readonly todo: string
}

const TRUST = 'set NODE_EXTRA_CA_CERTS=FILE to it or to the certificate of its authority'
const RENEW = 'renew it, or check the clock of this machine'

/** By the error code of Node (X509 verification errors of OpenSSL, and Node's own for the name). */
const CERTIFICATE_TROUBLES: Readonly<Record<string, CertificateTrouble>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: { says: 'is not trusted here (self-signed)', todo: TRUST },
  SELF_SIGNED_CERT_IN_CHAIN: { says: 'is not trusted here (a private authority)', todo: TRUST },
  UNABLE_TO_GET_ISSUER_CERT: { says: 'is not trusted here (an unknown authority)', todo: TRUST },
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: { says: 'is not trusted here (an unknown authority)', todo: TRUST },
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: { says: 'is not trusted here (an unknown authority)', todo: TRUST },
  CERT_HAS_EXPIRED: { says: 'has expired', todo: RENEW },
  CERT_NOT_YET_VALID: { says: 'is not valid yet', todo: RENEW },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    says: 'is not for this name or address',
    todo: 'call the server by a name that the certificate has (PUBLIC_URL, ADMIN_URL; --url and --admin of commands)'
  }
}

/** What is wrong with the certificate of `url`; undefined if a fetch failed for another reason. */
export function certificateTrouble(url: string, error: unknown): CertificateTrouble | undefined {
  const trouble = CERTIFICATE_TROUBLES[causeOf(error).code ?? '']
  return trouble && { ...trouble, says: `the certificate of ${new URL(url).origin} ${trouble.says}` }
}

/** Why `url` cannot be called, as one line. @param otherwise what to add where the certificate is not the reason */
export function describeFetchFailure(url: string, error: unknown, otherwise = ''): string {
  const trouble = certificateTrouble(url, error)
  if (trouble !== undefined) return `${trouble.says}: ${trouble.todo}`
  return `${url} cannot be reached (${fetchFailureReason(error)})${otherwise}`
}

function causeOf(error: unknown): { readonly code?: string; readonly message?: string } {
  return (error as Error).cause ?? {}
}
