import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

// Not imported: see errors.ts.
const { METHODS } = process.getBuiltinModule('node:http')

/** Node's parser (llhttp) also accepts RTSP and ICE. Of their methods, Node lists only ICE's SOURCE. */
const HTTP_METHODS: ReadonlySet<string> = new Set(METHODS.filter(method => method !== 'SOURCE'))
const HTTP_VERSIONS: ReadonlySet<string> = new Set(['1.0', '1.1'])
const OTHER_PROTOCOL = /^[\r\n]*[A-Z-]+ +[^ ]+ +(?:RTSP|ICE)\//
/** The characters of a request line besides the URL, with room for a few blanks. */
const REQUEST_LINE_CHARS = 64

/** uri-host and port (RFC 3986, 3.2.2 and 3.2.3), as RFC 9112, 3.2 requires. An empty Host is valid. */
const HOST = /^(?:(?:[\w.~!$&'()*+,;=-]|%[\da-f]{2})*|\[(?:[\da-f:.]+|v[\da-f]+\.[\w.~!$&'()*+,;=:-]+)\])(?::\d*)?$/i

/** Connections whose first request has been checked. */
const known = new WeakSet<Socket>()

/**
 * A message for the client if the head breaks a rule that Node's parser does not check (RFC 9112, 2.3, 3.2 and 6.1);
 * undefined if the head is valid.
 */
export function headFault(request: IncomingMessage): string | undefined {
  const { headers, httpVersion, method = '' } = request
  if (!HTTP_VERSIONS.has(httpVersion) || !HTTP_METHODS.has(method) || isOtherProtocol(request)) {
    return 'the server accepts only HTTP/1.0 and HTTP/1.1'
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
  // `headers` has only the first Host, so the raw headers are counted.
  return count > 1 ? 'there are two Hosts' : undefined
}

/**
 * Whether the request line names RTSP or ICE. Node's parser does not report the protocol, and GET, POST and OPTIONS are
 * methods of RTSP too. So the line is read from the parser's current buffer, for the first request of a connection and for
 * each request of version 1.0, which is RTSP's version. If the buffer does not begin with the request line, the protocol is
 * not detected, and the request is handled as HTTP (docs/hostile-input.md). There is no public API at this cost: a `data`
 * listener on the socket ends Node's native reads.
 */
function isOtherProtocol({ socket, httpVersion, url = '' }: IncomingMessage): boolean {
  if (httpVersion === '1.1' && known.has(socket)) return false
  known.add(socket)
  const { parser } = socket as Socket & { readonly parser?: { getCurrentBuffer?(): Buffer | undefined } | null }
  const bytes = parser?.getCurrentBuffer?.()
  return bytes !== undefined && OTHER_PROTOCOL.test(bytes.toString('latin1', 0, url.length + REQUEST_LINE_CHARS))
}
