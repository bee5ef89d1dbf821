const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/

/**
 * What is wrong with an origin; undefined when a browser can send it in `Origin` just so: scheme://host[:port], lower
 * case, no path, no default port (RFC 6454, section 6.2). One that is not exactly that would never match.
 */
export function originFault(text: string): string | undefined {
  const sent = asSent(text)
  if (ORIGIN.test(text) && (sent === undefined || sent === text)) return undefined
  const wanted = 'an origin is scheme://host[:port], in lower case, without a path'
  return sent === undefined || !ORIGIN.test(sent) ? wanted : `${wanted}: "${sent}"`
}

/** What a browser makes of it; undefined for schemes that have no origin of their own in Node's URL (capacitor:). */
function asSent(text: string): string | undefined {
  const origin = URL.canParse(text) ? new URL(text).origin : 'null'
  return origin === 'null' ? undefined : origin
}
