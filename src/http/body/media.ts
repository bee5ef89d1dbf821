import type { IncomingHttpHeaders } from 'node:http'
import type { Fault } from '../../model/reasons.ts'
import { fault } from '../../model/reasons.ts'
import type { Encoding } from './encoding.ts'
import { parseEncoding } from './encoding.ts'

const CHARSET = /;[ \t]*charset[ \t]*=[ \t]*"?([^";\s]*)/i
const READABLE_CHARSETS: ReadonlySet<string> = new Set(['utf-8', 'utf8', 'us-ascii', 'ascii', ''])

/** Names of encodings and charsets (RFC 9110, 5.6.2), and lists of them. The message repeats no other text. */
const NAMES = /^[\w.+, -]{1,60}$/

/** The encoding of a body according to the request's headers, or a fault with status 415 if the server cannot read it. */
export function readMedia(headers: IncomingHttpHeaders): Encoding | Fault {
  const named = headers['content-encoding']
  const encoding = parseEncoding(named)
  if (encoding === undefined) return unreadable('encoding_unsupported', 'Content-Encoding', named)
  const charset = CHARSET.exec(headers['content-type'] ?? '')?.[1]?.toLowerCase()
  if (charset !== undefined && !READABLE_CHARSETS.has(charset)) {
    return unreadable('charset_unsupported', 'charset', charset)
  }
  return encoding
}

/** The message names the encoding, because a reader of the refused body needs it. */
function unreadable(code: 'encoding_unsupported' | 'charset_unsupported', what: string, name = ''): Fault {
  const { message } = fault(code)
  return NAMES.test(name)
    ? fault(code, '', message.replace(`this ${what}`, `the ${what} ${name.toLowerCase()}`))
    : fault(code)
}
