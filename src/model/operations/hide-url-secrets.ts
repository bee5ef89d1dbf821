const HIDDEN = '(hidden)'

/**
 * A text with the secrets of its URLs hidden: a user's name and password, and the query, which often holds a token. Schemes, hosts
 * and paths stay. `user:password@host` is hidden without a scheme too. Where a URL is so malformed that its parts cannot be told apart, all of it is hidden.
 */
export function hideUrlSecrets(text: string): string {
  return text.replaceAll(/(?<=:\/\/)\S+/g, hideIn).replaceAll(/[^\s/,]+:(?!\/\/)\S*@/g, `${HIDDEN}@`)
}

/** @param rest a URL without its scheme */
function hideIn(rest: string): string {
  const [at, query] = [rest.lastIndexOf('@'), rest.search(/[?#]/)]
  if (query >= 0 && at > query) return HIDDEN
  const end = query < 0 ? rest.length : query
  const user = at < 0 ? '' : `${HIDDEN}@`
  return `${user}${rest.slice(at + 1, end)}${end < rest.length ? `?${HIDDEN}` : ''}`
}
