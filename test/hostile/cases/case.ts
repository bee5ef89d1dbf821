import { basic } from '../../support/app.ts'
import type { Step } from '../../support/exchange.ts'

/** One hostile conversation, and its allowed results. */
export interface HostileCase {
  readonly what: string
  readonly steps: readonly Step[]
  /**
   * The status of each answer in turn. If an element is a list, any of its statuses is right. 'closed': the connection
   * ends without an answer. 'gone': the client disconnects before there can be one.
   */
  readonly gives: readonly (number | readonly number[])[] | 'closed' | 'gone'
  /** `code` of the last answer's body. */
  readonly code?: string
  /** For the comparison with the contract: the meant request. Default: POST /v1/track. */
  readonly method?: string
  readonly path?: string
  /** A slow case: it runs beside the others. */
  readonly isSlow?: boolean
}

export const EVENT = '{"userId":"u","event":"e"}'
export const AUTHORIZATION = `authorization: ${basic()}\r\n`

export interface RequestParts {
  readonly method?: string
  readonly path?: string
  readonly version?: string
  readonly host?: string
  /** Header lines, each with its line break, before the length. Default: the header with the test's key. */
  readonly head?: string
  /** Default: Content-Length of the body. */
  readonly framing?: string
  readonly body?: string | Buffer
}

/** A request as bytes, which is valid unless the parts make it invalid. */
export function request(parts: RequestParts = {}): Buffer {
  const { method = 'POST', path = '/v1/track', version = 'HTTP/1.1', host = 'host: test\r\n' } = parts
  const body = Buffer.isBuffer(parts.body) ? parts.body : Buffer.from(parts.body ?? EVENT)
  const { head = AUTHORIZATION, framing = `content-length: ${body.length}\r\n` } = parts
  return Buffer.concat([Buffer.from(`${method} ${path} ${version}\r\n${host}${head}${framing}\r\n`, 'latin1'), body])
}

/** A chunked request whose body is written as given. */
export function chunkedRequest(body: string | Buffer, head = AUTHORIZATION): Buffer {
  return request({ framing: 'transfer-encoding: chunked\r\n', body, head })
}

export function chunk(data: string | Buffer): Buffer {
  const bytes = Buffer.from(data)
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')])
}
