import { parse } from 'node:querystring'

export type PixelQuery = Readonly<Record<string, string | readonly string[] | undefined>>

/** Several programs process a mail on its way, and each may encode a link once more. */
const MAX_ROUNDS = 4

/** `&` as HTML escapes it, once or repeatedly: a link may be copied from the HTML source of a page. */
const ESCAPED_AMPERSAND = /&(?:amp;)+/gi
/** A percent sign that does not begin an encoded percent sign with two digits after it. */
const ENCODED_ONCE = /%(?!25[\da-f]{2})/i

/**
 * The parameters of a pixel's query as the author wrote them: `&amp;` and repeated percent-encoding are undone. A query
 * counts as encoded twice if every percent sign in it encodes another escape. A query whose only escape is `%2520`, for the
 * literal text `%20`, is therefore decoded too often.
 *
 * @param raw the text after the question mark
 */
export function readPixelQuery(raw: string): PixelQuery {
  let query = raw
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const repaired = repairOnce(query)
    if (repaired === query) break
    query = repaired
  }
  // The length of a URL bounds the number of parameters. Node's default would ignore all parameters after the thousandth.
  return parse(query, '&', '=', { maxKeys: 0 })
}

function repairOnce(query: string): string {
  const joined = query.replace(ESCAPED_AMPERSAND, '&')
  // No parameter has a value, so the separators were encoded too.
  if (!joined.includes('=') && /%3d/i.test(joined)) return decode(joined) ?? joined
  if (!joined.includes('%') || ENCODED_ONCE.test(joined)) return joined
  const unwrapped = joined.replaceAll('%25', '%')
  return decode(unwrapped) === undefined ? joined : unwrapped
}

/** Undefined if the escapes are not valid UTF-8. */
export function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
