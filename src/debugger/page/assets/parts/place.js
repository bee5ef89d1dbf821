/** What is shown, as the part of the address behind #: a page, its filters and the open event, so that a link shows the same. */
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

const FILTERS = ['outcome', 'type', 'source', 'event', 'user', 'code', 'text']

/** `#/live?outcome=rejected&seq=12` or `#/trace/ID`; whatever makes no sense is left out. */
export function readPlace(hash) {
  const [, path = '', query = ''] = /^#?\/?([^?]*)\??(.*)$/s.exec(hash) ?? []
  const [page = ''] = path.split('/')
  if (page === 'trace') return { page, rest: decoded(hash.replace(/^#\/trace\/?/, '')), filters: {}, seq: undefined }
  const given = new URLSearchParams(query)
  const filters = Object.fromEntries(FILTERS.filter(name => given.get(name)).map(name => [name, given.get(name)]))
  const seq = /^\d{1,15}$/.test(given.get('seq') ?? '') ? Number(given.get('seq')) : undefined
  return { page: Object.hasOwn(PAGES, page) ? page : 'live', rest: '', filters, seq }
}

export function hashOf({ page, rest, filters, seq }) {
  if (page === 'trace') return `#/trace/${encodeURIComponent(rest)}`
  const query = new URLSearchParams(Object.entries(filters).filter(([, value]) => value))
  if (seq !== undefined) query.set('seq', seq)
  return `#/${page}${query.size === 0 ? '' : `?${query}`}`
}

/** An address that somebody typed may be no encoding of anything. */
function decoded(text) {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
