const BASIC = /^[ \t]*basic[ \t]+([\w.~+/-]+=*)[ \t]*$/i

/**
 * The write key of a Basic Authorization header: the user name, with an empty password. `key:` and `key` both work
 * (Segment's HTTP API: "without the trailing colon still works"), which is why @fastify/basic-auth, which wants the
 * colon and answers 401 itself, is not used here. Undefined where the header is missing or of another scheme: OAuth's
 * Bearer comes with the key in the body. An empty string where it is Basic and broken: no source has that key.
 */
export function basicKey(header: string | undefined): string | undefined {
  if (header === undefined || !/^[ \t]*basic\b/i.test(header)) return undefined
  const match = BASIC.exec(header)
  if (match === null) return ''
  const decoded = Buffer.from(match[1] as string, 'base64').toString('utf8')
  const colon = decoded.indexOf(':')
  return colon < 0 ? decoded : decoded.slice(0, colon)
}
