import type { FastifyRequest } from 'fastify'

/** The address at which clients reach this server, for the documents that tell clients where to send. */
export interface PublicAddress {
  readonly protocol: 'http' | 'https'
  /** The host, a port other than the default, and the path prefix of a proxy. It has no scheme. */
  readonly host: string
}

/** A name, an IPv4 or a bracketed IPv6 address, and a port (RFC 3986, 3.2.2 and 3.2.3, without escapes). */
const HOST = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i

/**
 * The address of PUBLIC_URL; without it the host and scheme of the request, as given by the proxies that TRUST_PROXY
 * trusts. Undefined if the request has no valid host.
 *
 * @param publicUrl without a trailing slash
 */
export function publicAddress(request: FastifyRequest, publicUrl: string | undefined): PublicAddress | undefined {
  if (publicUrl !== undefined) {
    const [scheme = '', host = ''] = publicUrl.split('://')
    return { protocol: scheme === 'https' ? 'https' : 'http', host }
  }
  const { clientHost: host, clientProtocol: protocol } = request
  return HOST.test(host) ? { protocol, host } : undefined
}
