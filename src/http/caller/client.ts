import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { compile } from '@fastify/proxy-addr'
import type { FastifyInstance } from 'fastify'
import { plainAddress, readForwarded } from './forwarded.ts'

/** TRUST_PROXY: everybody, nobody, ranges of addresses, or a rule; `hop` is the number of proxies that are nearer. */
export type TrustProxy = boolean | string | ((address: string, hop: number) => boolean)

type Trusts = (address: string, hop: number) => boolean

declare module 'fastify' {
  interface FastifyRequest {
    /** The client's address without a port; empty if it is not known. */
    readonly clientAddress: string
    /** The scheme that the client used. */
    readonly clientProtocol: 'http' | 'https'
    /** The host and port that the client asked for, as sent; empty if there is none. */
    readonly clientHost: string
  }
}

/**
 * Adds the client's address, scheme and host to the requests of a listener. They come from the connection, or from the
 * proxies that TRUST_PROXY trusts. One rule applies to all three: the value of the farthest trusted proxy counts; if that
 * proxy gives none, the value of the proxy nearest to it.
 */
export function decorateClientAddress(app: FastifyInstance, trust: TrustProxy): void {
  const trusts = toTrusts(trust)
  app.decorateRequest('clientAddress', {
    getter() {
      return addressOf(this.raw, trusts)
    }
  })
  app.decorateRequest('clientProtocol', {
    getter() {
      return protocolOf(this.raw, trusts)
    }
  })
  app.decorateRequest('clientHost', {
    getter() {
      return hostOf(this.raw, trusts)
    }
  })
}

function toTrusts(trust: TrustProxy): Trusts | undefined {
  if (trust === false) return undefined
  if (trust === true) return () => true
  if (typeof trust === 'function') return trust
  const isIn = compile(trust.split(','))
  return (address, hop) => address !== '' && isIn(address, hop)
}

function addressOf(request: IncomingMessage, trusts: Trusts | undefined): string {
  const own = request.socket.remoteAddress ?? ''
  if (trusts === undefined) return own
  const said = read(request, trusts)
  return said.trusted === 0 ? own : (said.addresses[Math.min(said.trusted, said.addresses.length) - 1] ?? own)
}

function protocolOf(request: IncomingMessage, trusts: Trusts | undefined): 'http' | 'https' {
  const own = (request.socket as Partial<TLSSocket>).encrypted === true ? 'https' : 'http'
  if (trusts === undefined) return own
  const { protocols, trusted } = read(request, trusts)
  const said = farthest(protocols.map(toProtocol), trusted)
  return said ?? own
}

function hostOf(request: IncomingMessage, trusts: Trusts | undefined): string {
  const own = request.headers.host ?? ''
  if (trusts === undefined) return own
  const { hosts, trusted } = read(request, trusts)
  return farthest(hosts, trusted) ?? own
}

/** The values of the proxies, and how many proxies are trusted, counted from the connection. */
function read(request: IncomingMessage, trusts: Trusts) {
  const forwarded = readForwarded(request.headers)
  const { addresses, protocols, hosts } = forwarded
  const most = Math.max(addresses.length, protocols.length, hosts.length)
  let address = plainAddress(request.socket.remoteAddress ?? '')
  let trusted = 0
  while (trusted < most && trusts(address, trusted)) address = addresses[trusted++] ?? ''
  return { ...forwarded, trusted }
}

/** The value of the farthest of the first `trusted` proxies that gives one. */
function farthest<T>(said: readonly (T | undefined)[], trusted: number): T | undefined {
  return said.slice(0, trusted).findLast(word => word !== undefined && word !== '')
}

function toProtocol(text: string): 'http' | 'https' | undefined {
  const word = text.toLowerCase()
  return word === 'http' || word === 'https' ? word : undefined
}
