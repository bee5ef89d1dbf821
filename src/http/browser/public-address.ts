import type { FastifyRequest } from 'fastify'

/** Where clients reach this server: what is written into documents that tell them where to send. */
export interface PublicAddress {
  readonly protocol: 'http' | 'https'
  /** Host, port where it is not the usual one, and the path in front of ours where a proxy adds one: no scheme. */
  readonly host: string
}

/** A name, an IPv4 or a bracketed IPv6 address, and a port (RFC 3986, 3.2.2 and 3.2.3, without escapes). */
const HOST = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i

/**
 * The address of PUBLIC_URL, else the one that this request was sent to: its Host and scheme, or what the proxies that
 * TRUST_PROXY trusts say of both. Undefined where the request names none that could be one.
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
