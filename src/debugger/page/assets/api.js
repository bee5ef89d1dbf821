/** Asks the server; a session that has ended leads back to the login form. Throws an Error in the server's words. */
export async function ask(path, { method = 'GET', body, signal } = {}) {
  const json = { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  const response = await fetch(path, { method, signal, ...(body === undefined ? {} : json) })
  if (response.status === 401) location.assign('/login')
  const answer = await response.json()
  if (!response.ok) throw new Error(answer.message)
  return answer
}

/** `?a=b` of what is not empty. */
export function queryString(values) {
  const entries = Object.entries(values).filter(([, value]) => value !== '' && value !== undefined && value !== null)
  return entries.length === 0 ? '' : `?${new URLSearchParams(entries)}`
}

/**
 * Follows the live stream from after `seq` on, until the answer is called. It connects again by itself, and goes on
 * where it was.
 */
export function followStream({ filters, after, onBatch, onState }) {
  const source = new EventSource(`/api/stream${queryString({ ...filters, after })}`)
  source.addEventListener('events', event => onBatch(JSON.parse(event.data)))
  source.addEventListener('open', () => onState('live'))
  source.addEventListener('error', () => {
    onState('lost')
    // A browser gives up for good on a refusal; a session that has ended is one.
    if (source.readyState === EventSource.CLOSED) ask('/api/outcomes').catch(() => undefined)
  })
  return () => source.close()
}
