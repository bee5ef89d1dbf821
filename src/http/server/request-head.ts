import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

// Why no import: see errors.ts.
const { METHODS } = process.getBuiltinModule('node:http')

/** Node's parser also takes RTSP and ICE with methods of their own (llhttp): of those, Node lists ICE's alone. */
const HTTP_METHODS: ReadonlySet<string> = new Set(METHODS.filter(method => method !== 'SOURCE'))
const HTTP_VERSIONS: ReadonlySet<string> = new Set(['1.0', '1.1'])
const OTHER_PROTOCOL = /^[\r\n]*[A-Z-]+ +[^ ]+ +(?:RTSP|ICE)\//
/** What stands in a request line beside the URL, with room for a few blanks. */
const REQUEST_LINE_CHARS = 64

/** uri-host and port of RFC 3986, 3.2.2 and 3.2.3, which RFC 9112, 3.2 asks for. An empty one is valid. */
const HOST = /^(?:(?:[\w.~!$&'()*+,;=-]|%[\da-f]{2})*|\[(?:[\da-f:.]+|v[\da-f]+\.[\w.~!$&'()*+,;=:-]+)\])(?::\d*)?$/i

/** Connections of which the first request has been looked at. */
const known = new WeakSet<Socket>()

/**
 * What Node's parser takes although HTTP/1.1 forbids it (RFC 9112, 2.3, 3.2 and 6.1), in words for the client; undefined
 * where the head is valid.
 */
export function headFault(request: IncomingMessage): string | undefined {
  const { headers, httpVersion, method = '' } = request
  if (!HTTP_VERSIONS.has(httpVersion) || !HTTP_METHODS.has(method) || isOtherProtocol(request)) {
    return 'only HTTP/1.0 and HTTP/1.1 are spoken here'
  }
  const coding = headers['transfer-encoding']
  if (coding !== undefined && (httpVersion === '1.0' || coding.toLowerCase() !== 'chunked')) {
    return 'the only Transfer-Encoding is chunked, in HTTP/1.1'
  }
  return hostFault(request)
}

function hostFault({ headers: { host }, httpVersion, rawHeaders }: IncomingMessage): string | undefined {
  if (host === undefined) return httpVersion === '1.1' ? 'there is no Host' : undefined
  if (!HOST.test(host)) return 'the Host is not valid'
  let count = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string
    if (name.length === 4 && name.toLowerCase() === 'host') count++
  }
  // Node keeps the first.
  return count > 1 ? 'there are two Hosts' : undefined
}

/**
 * Whether the request line names RTSP or ICE. Node's parser tells neither by itself, and GET, POST and OPTIONS are methods of
 * RTSP too, so the line is looked up in the bytes that are just being parsed: of the first request of a connection, and of
 * each that says version 1.0, as RTSP does. A line that is not at the start of the bytes that end its head is not seen, and
 * the request is then the same request of HTTP to all that follows (docs/hostile-input.md). No public way is as cheap: a
 * listener for the socket's data makes Node stop reading natively.
 */
function isOtherProtocol({ socket, httpVersion, url = '' }: IncomingMessage): boolean {
  if (httpVersion === '1.1' && known.has(socket)) return false
  known.add(socket)
  const { parser } = socket as Socket & { readonly parser?: { getCurrentBuffer?(): Buffer | undefined } | null }
  const bytes = parser?.getCurrentBuffer?.()
  return bytes !== undefined && OTHER_PROTOCOL.test(bytes.toString('latin1', 0, url.length + REQUEST_LINE_CHARS))
}
