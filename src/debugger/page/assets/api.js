/**
 * Sends a request to the admin API and resolves with the answer's JSON. Goes to the login form if the session has
 * ended. Rejects with the server's message.
 */
export async function ask(path, { method = 'GET', body, signal } = {}) {
  const json = { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  const response = await fetch(path, { method, signal, ...(body === undefined ? {} : json) })
  if (response.status === 401) location.assign('/login')
  const answer = await response.json()
  if (!response.ok) throw new Error(answer.message)
  return answer
}

/** The query string `?a=b` of the values that are not empty; '' if there are none. */
export function queryString(values) {
  const entries = Object.entries(values).filter(([, value]) => value !== '' && value !== undefined && value !== null)
  return entries.length === 0 ? '' : `?${new URLSearchParams(entries)}`
}

/**
 * Subscribes to the live stream after `seq`. Reconnects by itself and continues where it stopped. Call the returned
 * function to end it.
 */
export function followStream({ filters, after, onBatch, onState }) {
  const stream = new EventSource(`/api/stream${queryString({ ...filters, after })}`)
  stream.addEventListener('events', event => onBatch(JSON.parse(event.data)))
  stream.addEventListener('open', () => onState('live'))
  stream.addEventListener('error', () => {
    onState('lost')
    // A browser does not reconnect after a refusal. The cause can be a session that has ended: ask() then shows the
    // login form.
    if (stream.readyState === EventSource.CLOSED) ask('/api/outcomes').catch(() => undefined)
  })
  return () => stream.close()
}

const RETRY_MS = 1_000

/**
 * Subscribes to the live streams of all servers of the fleet.
 *
 * @param after by server, the seq of the last event that the page has
 */
export function followFleet({ filters, after, onBatch, onState }) {
  const last = { ...after }
  let stream
  let timer
  const open = () => {
    stream = new EventSource(`/api/stream${queryString({ ...filters, after: JSON.stringify(last) })}`)
    stream.addEventListener('events', event => {
      const batch = JSON.parse(event.data)
      if (batch.rows.length > 0) last[batch.server] = batch.rows.at(-1).seq
      onBatch(batch)
    })
    stream.addEventListener('open', () => onState('live'))
    stream.addEventListener('error', () => {
      onState('lost')
      // Reconnecting by itself, a browser would ask for what it asked for first.
      stream.close()
      timer = setTimeout(open, RETRY_MS)
      ask('/api/outcomes').catch(() => undefined)
    })
  }
  open()
  return () => {
    clearTimeout(timer)
    stream.close()
  }
}
