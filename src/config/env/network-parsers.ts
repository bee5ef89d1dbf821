import { readFileSync } from 'node:fs'
import { isIP, isIPv4 } from 'node:net'
import { originFault } from '../origin.ts'
import type { Parser } from './parsers.ts'
import { throwExpected, list } from './parsers.ts'

export const port: Parser<number> = text => {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  return value <= 65_535 ? value : throwExpected('a port from 0 to 65535 (0 takes a free one)')
}

const HOST_NAME =
  /^(?=.{1,253}$)[a-zA-Z0-9_](?:[a-zA-Z0-9_-]*[a-zA-Z0-9_])?(?:\.[a-zA-Z0-9_](?:[a-zA-Z0-9_-]*[a-zA-Z0-9_])?)*\.?$/

const host: Parser<string> = value => {
  const bare = value.replace(/^\[(.*)\]$/, '$1')
  if (isIP(bare) || (bare === value && HOST_NAME.test(value) && !/^[\d.]+$/.test(value))) return bare
  return throwExpected('a host name or an IP address, without a port')
}

const DEFAULT_KAFKA_PORT = 9092

/** The address that a listener binds. `localhost` becomes 127.0.0.1, because Fastify would create a second server without our limits for ::1. */
export const listenHost: Parser<string> = value => (value.toLowerCase() === 'localhost' ? '127.0.0.1' : host(value))

/** A list of brokers as `host:port`; the port is optional. */
export const brokers: Parser<string[]> = value => {
  const wanted = 'a list of brokers, such as kafka-1:9092,kafka-2:9092'
  return list(value).map(entry => {
    const match = /^(\[[^\]]+\]|[^:]+)(?::(\d{1,5}))?$/.exec(entry) ?? throwExpected(wanted)
    const number = Number(match[2] ?? DEFAULT_KAFKA_PORT)
    if (number < 1 || number > 65_535) throwExpected(wanted)
    try {
      host(match[1] ?? '')
    } catch {
      throwExpected(wanted)
    }
    return `${match[1]}:${number}`
  })
}

/** Trusts all or no proxies, ranges of addresses, or by a rule; `hop` is the number of proxies that are nearer. */
export type TrustProxy = boolean | string | ((address: string, hop: number) => boolean)

const NAMED_RANGES = ['loopback', 'linklocal', 'uniquelocal']
const MAX_HOPS = 16

/** `false`, `true`, a number of proxies in front, or a list of their addresses. */
export const trustProxy: Parser<TrustProxy> = value => {
  const word = value.toLowerCase()
  if (word === 'true') return true
  if (word === 'false' || word === '0') return false
  if (/^\d+$/.test(word) && Number(word) <= MAX_HOPS) return (_address, hop) => hop < Number(word)
  const entries = list(word)
  if (entries.length > 0 && entries.every(isAddressRange)) return entries.join(',')
  return throwExpected(`true, false, a number of proxies (1 to ${MAX_HOPS}), or a list such as 10.0.0.0/8,loopback`)
}

function isAddressRange(entry: string): boolean {
  const [address = '', prefix, ...rest] = entry.split('/')
  if (NAMED_RANGES.includes(entry)) return true
  if (!isIP(address) || rest.length > 0) return false
  // `true` trusts everybody, so a range of all addresses is refused.
  return prefix === undefined || (/^[1-9]\d{0,2}$/.test(prefix) && Number(prefix) <= (isIPv4(address) ? 32 : 128))
}

/** `*`, or the origins that may read the answers. */
export const origins: Parser<'*' | string[]> = value => {
  if (value === '*') return '*'
  const entries = list(value)
  if (entries.length === 0 || entries.includes('*')) throwExpected('"*" alone, or a list of origins')
  const fault = entries.map(originFault).find(found => found !== undefined)
  if (fault !== undefined) throw new Error(fault)
  return entries
}

/** An http or https URL; a trailing slash is removed. */
export const publicUrl: Parser<string> = value => {
  const url = URL.canParse(value) ? new URL(value) : undefined
  const plain = url !== undefined && /^https?:$/.test(url.protocol) && !/[@?#]/.test(value)
  return plain ? url.href.replace(/\/+$/, '') : throwExpected('a URL such as https://events.example.com')
}

/** The AWS region in the name of an Amazon MSK broker, such as b-1.shop.abc123.c2.kafka.eu-west-1.amazonaws.com:9098. */
export function regionOfBroker(broker: string): string | undefined {
  return /\.kafka(?:-serverless)?\.([a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com(?:\.cn)?:\d+$/.exec(broker)?.[1]
}

/** An http or https URL, which may have a query. */
export const tokenUrl: Parser<string> = value => {
  const url = URL.canParse(value) ? new URL(value) : undefined
  const plain = url !== undefined && /^https?:$/.test(url.protocol) && !/[@#]/.test(value)
  return plain ? url.href : throwExpected('a URL such as https://login.example.com/oauth2/token')
}

/** The content of a PEM file. It is read here, so that a missing file is reported together with all other mistakes. */
export const pemFile: Parser<string> = path => {
  let content: string
  try {
    content = readFileSync(path, 'utf8')
  } catch (error) {
    throw new Error(`expected a PEM file that can be read (${(error as NodeJS.ErrnoException).code})`, { cause: error })
  }
  return content.includes('-----BEGIN ') ? content : throwExpected('a PEM file')
}
