import { parse } from 'node:querystring'

export type PixelQuery = Readonly<Record<string, string | readonly string[] | undefined>>

/** Mails pass several hands on their way, and each may encode a link once more. */
const MAX_ROUNDS = 4

/** `&` as HTML spells it, once or again: a link that was taken out of a page's source as it stood there. */
const ESCAPED_AMPERSAND = /&(?:amp;)+/gi
/** A percent sign that is not the beginning of an encoded percent sign and two digits. */
const ENCODED_ONCE = /%(?!25[\da-f]{2})/i

/**
 * The parameters of a pixel's query as its author wrote them: `&amp;` left in it, and percent signs that were encoded
 * again, are undone as often as they were done. A query counts as encoded twice where no percent sign in it stands for
 * anything but another escape; a single value that means to say `%20` so is taken for one.
 *
 * @param raw what stands behind the question mark
 */
export function readPixelQuery(raw: string): PixelQuery {
  let query = raw
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const mended = mendOnce(query)
    if (mended === query) break
    query = mended
  }
  // A URL has so many characters at most; Node would leave out all parameters behind the thousandth.
  return parse(query, '&', '=', { maxKeys: 0 })
}

function mendOnce(query: string): string {
  const joined = query.replace(ESCAPED_AMPERSAND, '&')
  // Not one parameter has a value: the signs between them were encoded too.
  if (!joined.includes('=') && /%3d/i.test(joined)) return decode(joined) ?? joined
  if (!joined.includes('%') || ENCODED_ONCE.test(joined)) return joined
  const unwrapped = joined.replaceAll('%25', '%')
  return decode(unwrapped) === undefined ? joined : unwrapped
}

/** Undefined where the escapes are not those of a text. */
export function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
