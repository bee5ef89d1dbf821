import type { FastifyRequest } from 'fastify'
import { withVersion } from '../http/paths.ts'

/** What SDKs and other clients take as the address of the server: with and without the version, and the path of tokens. */
const ENDINGS = ['', '/v1', ...withVersion(['/token'])]

/**
 * What the audience of an assertion may be, in the normal form of URLs, without trailing slashes: PUBLIC_URL, else the
 * address that the request was sent to. Behind a proxy that ends TLS and is not in TRUST_PROXY the scheme is not known, so
 * that http and https both count then.
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
