/**
 * The route is the part of the address behind #: the page, its filters and the open event. A link therefore shows the
 * same thing again.
 */
export const PAGES = {
  live: 'Live',
  rejections: 'Rejections',
  violations: 'Violations',
  catalogue: 'Catalogue',
  overview: 'Overview',
  sources: 'Sources',
  audit: 'Audit',
  fleet: 'Fleet'
}

const FILTERS = ['server', 'outcome', 'type', 'source', 'event', 'user', 'code', 'text']

/** A seq, and in a fleet behind it the server. */
const PLACE = /^\d{1,15}(@.{1,200})?$/

/** Parses `#/live?outcome=rejected&seq=12`, `#/live?seq=12@SERVER` or `#/trace/ID`. Ignores what is not valid. */
export function parseRoute(hash) {
  const [, path = '', query = ''] = /^#?\/?([^?]*)\??(.*)$/s.exec(hash) ?? []
  const [page = ''] = path.split('/')
  if (page === 'trace')
    return { page, messageId: decoded(hash.replace(/^#\/trace\/?/, '')), filters: {}, seq: undefined }
  const parameters = new URLSearchParams(query)
  const filters = Object.fromEntries(
    FILTERS.filter(name => parameters.get(name)).map(name => [name, parameters.get(name)])
  )
  const seq = PLACE.test(parameters.get('seq') ?? '') ? parameters.get('seq') : undefined
  return { page: Object.hasOwn(PAGES, page) ? page : 'live', messageId: '', filters, seq }
}

export function routeHash({ page, messageId, filters, seq }) {
  if (page === 'trace') return `#/trace/${encodeURIComponent(messageId)}`
  const query = new URLSearchParams(Object.entries(filters).filter(([, value]) => value))
  if (seq !== undefined) query.set('seq', seq)
  return `#/${page}${query.size === 0 ? '' : `?${query}`}`
}

/** The decoded text; the text itself if it is not valid URL encoding, because people type addresses. */
function decoded(text) {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
