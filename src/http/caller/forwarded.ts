import type { IncomingHttpHeaders } from 'node:http'
import { isIP, isIPv4 } from 'node:net'

/** The values that proxies added to a request. Each list begins with the value of the nearest proxy. */
export interface Forwarded {
  /** The address from which each proxy got the request, without a port; empty if the value is no address. */
  readonly addresses: readonly string[]
  readonly protocols: readonly string[]
  readonly hosts: readonly string[]
}

/** A parameter of a Forwarded element (RFC 7239, 4). Some proxies send ports and brackets without quotes. */
const PARAMETER = /[ \t]*([\w!#$%&'*+.^`|~-]+)=("(?:[^"\\]|\\.)*"|[^;,\s"]*)[ \t]*(?:;|$)/y

/**
 * Reads X-Forwarded-For, -Proto and -Host; without X-Forwarded-For it reads Forwarded (RFC 7239). Forwarded is not used
 * beside X-Forwarded-For, because most proxies write the latter and pass Forwarded on as the client sent it. Where
 * Forwarded gives the address, X-Forwarded-Proto and -Host still take precedence, because some proxies mix both families.
 */
export function readForwarded(headers: IncomingHttpHeaders): Forwarded {
  const { 'x-forwarded-for': by, 'x-forwarded-proto': proto, 'x-forwarded-host': host, forwarded } = headers
  const protocols = split(proto)
  const hosts = split(host)
  if (by !== undefined) return { addresses: split(by).map(plainAddress), protocols, hosts }
  if (forwarded === undefined) return { addresses: [], protocols, hosts }
  const elements = split(forwarded).map(parseElement)
  return {
    addresses: elements.map(element => plainAddress(element.get('for') ?? '')),
    protocols: protocols.length > 0 ? protocols : elements.map(element => element.get('proto') ?? ''),
    hosts: hosts.length > 0 ? hosts : elements.map(element => element.get('host') ?? '')
  }
}

/** The parameters of an element by their names in lower case; empty if the element is malformed. */
function parseElement(element: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  PARAMETER.lastIndex = 0
  while (PARAMETER.lastIndex < element.length) {
    const [, name = '', value = ''] = PARAMETER.exec(element) ?? []
    // A parameter may occur only once.
    if (name === '' || found.has(name.toLowerCase())) return new Map()
    found.set(name.toLowerCase(), unquote(value))
  }
  return found
}

/**
 * The elements of a list, the last element first, without empty elements. The list is read from its end, where the nearest
 * proxy writes, so that an open quotation mark of the client cannot swallow the proxy's element.
 */
function split(header: string | string[] | undefined): string[] {
  const text = String(header ?? '')
  const elements: string[] = []
  let isQuoted = false
  let end = text.length
  for (let at = end - 1; at >= -1; at--) {
    if (text[at] === '"' && text[at - 1] !== '\\') isQuoted = !isQuoted
    if (at >= 0 && (isQuoted || text[at] !== ',')) continue
    const element = text.slice(at + 1, end).trim()
    if (element !== '') elements.push(element)
    end = at
  }
  return elements
}

function unquote(text: string): string {
  return text.startsWith('"') && text.endsWith('"') && text.length > 1
    ? text.slice(1, -1).replaceAll(/\\(.)/g, '$1')
    : text
}

/** An IPv6 address in brackets or an IPv4 address, with an optional port, which RFC 7239 allows to be obfuscated (`_x`). */
const NODE = /^(?:\[([^\]]+)\]|([\d.]+))(?::[\w.-]*)?$/
const MAPPED = /^::ffff:(?:([\d.]+)|([\da-f]{1,4}):([\da-f]{1,4}))$/i

/**
 * Returns an address without quotes, brackets and port, and an IPv4 address that is mapped into IPv6 as IPv4. Returns an
 * empty string if the text is no address (`unknown`, `_hidden`, a name).
 */
export function plainAddress(text: string): string {
  const bare = unquote(text.trim())
  const [, bracketed, dotted] = NODE.exec(bare) ?? []
  const address = bracketed ?? dotted ?? bare
  if (isIP(address) === 0) return ''
  const [, ipv4, high, low] = MAPPED.exec(address) ?? []
  if (ipv4 !== undefined && isIPv4(ipv4)) return ipv4
  if (high === undefined || low === undefined) return address
  const [upper, lower] = [Number.parseInt(high, 16), Number.parseInt(low, 16)]
  return [upper >> 8, upper & 255, lower >> 8, lower & 255].join('.')
}
