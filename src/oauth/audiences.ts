import type { FastifyRequest } from 'fastify'
import { withVersion } from '../http/paths.ts'

/** The paths that clients append to the server's address for the audience: none, the version, or the token endpoint. */
const ENDINGS = ['', '/v1', ...withVersion(['/token'])]

/**
 * The accepted audiences of an assertion, in the normal form of URLs, without trailing slashes. They come from PUBLIC_URL,
 * otherwise from the address of the request. Behind a proxy that ends TLS and is not in TRUST_PROXY, the scheme is unknown, so
 * that http and https are both accepted.
 */
export function audiencesOf(request: FastifyRequest, publicUrl: string | undefined): readonly string[] {
  const bases = publicUrl === undefined ? addressesOf(request.clientHost) : [publicUrl]
  return ENDINGS.flatMap(ending => bases.map(base => `${base}${ending}`))
}

function addressesOf(host: string): string[] {
  return ['https', 'http'].flatMap(scheme => {
    const url = `${scheme}://${host}`
    return host !== '' && URL.canParse(url) ? [new URL(url).href.replace(/\/+$/, '')] : []
  })
}
