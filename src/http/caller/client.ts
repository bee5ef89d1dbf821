import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { compile } from '@fastify/proxy-addr'
import type { FastifyInstance } from 'fastify'
import { plainAddress, readForwarded } from './forwarded.ts'

/** TRUST_PROXY: everybody, nobody, ranges of addresses, or a rule by address and by how many proxies are nearer. */
export type TrustProxy = boolean | string | ((address: string, hop: number) => boolean)

type Trusts = (address: string, hop: number) => boolean

declare module 'fastify' {
  interface FastifyRequest {
    /** The address of who sent the request, without a port; empty where it is not known. */
    readonly clientAddress: string
    /** The scheme that the client has used. */
    readonly clientProtocol: 'http' | 'https'
    /** The host that the client has asked for, with its port, as it was sent; empty where there is none. */
    readonly clientHost: string
  }
}

/**
 * Tells requests of a listener who their client is: of the connection, or as the proxies in front say, as far as
 * TRUST_PROXY trusts them. Address, scheme and host are by one rule: what the farthest trusted proxy says, or the nearest
 * to it where that one says nothing.
 */
export function knowClients(app: FastifyInstance, trust: TrustProxy): void {
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

/** What the proxies say, and how many of them are trusted, counted from the connection on. */
function read(request: IncomingMessage, trusts: Trusts) {
  const forwarded = readForwarded(request.headers)
  const { addresses, protocols, hosts } = forwarded
  const most = Math.max(addresses.length, protocols.length, hosts.length)
  let address = plainAddress(request.socket.remoteAddress ?? '')
  let trusted = 0
  while (trusted < most && trusts(address, trusted)) address = addresses[trusted++] ?? ''
  return { ...forwarded, trusted }
}

/** What the farthest of the first `trusted` proxies says that says anything. */
function farthest<T>(said: readonly (T | undefined)[], trusted: number): T | undefined {
  return said.slice(0, trusted).findLast(word => word !== undefined && word !== '')
}

function toProtocol(text: string): 'http' | 'https' | undefined {
  const word = text.toLowerCase()
  return word === 'http' || word === 'https' ? word : undefined
}
