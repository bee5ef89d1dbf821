const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/

/**
 * The fault of an origin; undefined if a browser can send exactly this text in `Origin`: scheme://host[:port], lower case,
 * without a path or a default port (RFC 6454, section 6.2). Any other text would never match.
 */
export function originFault(text: string): string | undefined {
  const sent = asSent(text)
  if (ORIGIN.test(text) && (sent === undefined || sent === text)) return undefined
  const wanted = 'an origin is scheme://host[:port], in lower case, without a path'
  return sent === undefined || !ORIGIN.test(sent) ? wanted : `${wanted}: "${sent}"`
}

/** The origin that a browser would send; undefined for schemes without an origin in Node's URL, such as capacitor:. */
function asSent(text: string): string | undefined {
  const origin = URL.canParse(text) ? new URL(text).origin : 'null'
  return origin === 'null' ? undefined : origin
}
