/** The rows of the live stream: of this server, or of all servers of its fleet. */
import { ask, followFleet, followStream, queryString } from '../api.js'
import { useEffect, useMemo, useRef, useState } from '../lib.js'
import { EventStore, MAX_ROWS } from './event-store.js'

const PAGE_ROWS = 300

/** Where an event is: its seq, and in a fleet its server, as text for the address and for keys. */
export const placeOf = ({ server, seq }) => (server === undefined ? String(seq) : `${seq}@${server}`)

/** One event: a server that was started again counts from 1 again. */
export const keyOf = row => `${placeOf(row)} ${row.receivedAt}`

/** The server of an event's place; undefined outside a fleet. */
export const serverOf = place => place.match(/(?<=@).*/)?.[0]

/** The address of an event's details in the API. */
export function eventPath(place) {
  const server = serverOf(place)
  return `/api/events/${parseInt(place, 10)}${server === undefined ? '' : queryString({ scope: 'fleet', server })}`
}

/** Returns a function that renders at most once for each frame, however many batches arrive. */
function useRender() {
  const [, count] = useState(0)
  const frame = useRef(0)
  return useMemo(
    () => () => {
      if (frame.current !== 0) return
      frame.current = requestAnimationFrame(() => {
        frame.current = 0
        count(before => before + 1)
      })
    },
    []
  )
}

/**
 * Returns a function that leaves rows of the first list out of a batch. With several workers, each stream begins at the position
 * of the slowest worker, so some rows arrive twice.
 */
function leaveOut(listed) {
  const known = new Set(listed.map(keyOf))
  return batch => ({ ...batch, rows: batch.rows.filter(row => !known.has(keyOf(row))) })
}

/**
 * Follows the events that match.
 *
 * @param scope 'fleet': those of all servers; '': of this one; undefined: it is not known yet
 */
export function useStream(filters, scope) {
  const store = useRef(new EventStore()).current
  const [state, setState] = useState('connecting')
  const [problem, setProblem] = useState('')
  /** By server, why its events are missing; '' if they are not. */
  const servers = useRef(new Map()).current
  const render = useRender()
  const { server, ...own } = filters
  const query = scope === 'fleet' ? { ...own, scope, server } : own
  useEffect(() => {
    if (scope === undefined) return undefined
    const controller = new AbortController()
    let close = () => undefined
    store.clear()
    servers.clear()
    const start = async () => {
      try {
        const answer = await ask(`/api/events${queryString({ ...query, limit: PAGE_ROWS })}`, controller)
        if (controller.signal.aborted) return
        // Also while the stream is paused: only what comes from now on waits.
        store.prepend(answer.events.toReversed())
        store.older = cursorOf(answer)
        answer.servers?.forEach(({ server, problem }) => servers.set(server, problem ?? ''))
        const withoutListed = leaveOut(answer.events)
        const complete = createComplete({ store, query, render, controller }, answer)
        const onBatch = batch => {
          if (batch.server !== undefined) servers.set(batch.server, batch.problem ?? '')
          store.push(withoutListed(batch))
          void complete(batch)
          render()
        }
        const follow = scope === 'fleet' ? followFleet : followStream
        close = follow({ filters: query, after: answer.newest, onBatch, onState: setState })
        setProblem('')
      } catch (error) {
        if (!controller.signal.aborted) setProblem(error.message)
      }
    }
    void start().then(render)
    return () => {
      controller.abort()
      close()
    }
  }, [JSON.stringify(filters), scope])
  return {
    store,
    state,
    problem,
    render,
    servers: [...servers.keys()].toSorted((a, b) => (a < b ? -1 : 1)),
    clear: () => store.clear(),
    silent: [...servers].filter(([name, why]) => why !== '' && (!server || server === name)),
    loadOlder: useOlderRows({ store, query, render }),
    fillGap: createFill({ store, query, render })
  }
}

/** `before` of the request for the rows that follow an answer; null if there are none. */
const cursorOf = ({ next }) => (next !== null && typeof next === 'object' ? JSON.stringify(next) : next)

/**
 * Returns a function that is called with each batch. It adds the newest rows of a server that the first list does not have, because the
 * server did not answer then, or was not heard of yet: its stream begins with what comes from now on.
 */
function createComplete({ store, query, render, controller }, { servers = [] }) {
  const listed = new Set(servers.filter(({ problem }) => !problem).map(({ server }) => server))
  return async ({ server, problem }) => {
    if (server === undefined || problem || listed.has(server)) return
    listed.add(server)
    try {
      const more = await ask(`/api/events${queryString({ ...query, server, limit: PAGE_ROWS })}`, controller)
      if (controller.signal.aborted) return
      if (more.servers.some(one => one.problem)) throw new Error('no list')
      const known = new Set(store.rows.map(keyOf))
      store.merge(more.events.filter(row => !known.has(keyOf(row))).toReversed())
      if (more.next !== null) store.older = JSON.stringify({ ...JSON.parse(store.older ?? '{}'), ...more.next })
      render()
    } catch {
      // The next batch asks again.
      listed.delete(server)
    }
  }
}

/** `next`, in which a server that did not answer this time stays where it was. */
function withoutLosses({ next, servers = [] }, before) {
  const missed = servers.filter(({ problem }) => problem).map(({ server }) => server)
  if (missed.length === 0) return next
  const asked = JSON.parse(before)
  const kept = missed.filter(name => Object.hasOwn(asked, name)).map(name => [name, asked[name]])
  return kept.length === 0 ? next : { ...next, ...Object.fromEntries(kept) }
}

/** Loads the page of rows before the oldest row, one request at a time. */
function useOlderRows({ store, query, render }) {
  const isLoading = useRef(false)
  return async () => {
    const before = store.older
    if (isLoading.current || before === null || store.rows.length >= MAX_ROWS) return
    isLoading.current = true
    try {
      const answer = await ask(`/api/events${queryString({ ...query, before, limit: PAGE_ROWS })}`)
      if (store.older !== before) return
      store.older = cursorOf({ next: withoutLosses(answer, before) })
      const known = new Set(store.rows.map(keyOf))
      store.prepend(answer.events.filter(row => !known.has(keyOf(row))).toReversed())
      render()
    } finally {
      isLoading.current = false
    }
  }
}

/** Returns a function that replaces a gap by its rows, the newest of them if there are too many for one answer. */
function createFill({ store, query, render }) {
  return async gap => {
    const { server, from, gap: missing } = gap
    const range = { server, after: from - 1, before: from + missing, limit: 1000 }
    const answer = await ask(`/api/events${queryString({ ...query, ...range })}`)
    const silent = (answer.servers ?? []).find(({ problem }) => problem)
    if (silent !== undefined) throw new Error(`no events of ${silent.server}: ${silent.problem}`)
    const next = server === undefined ? answer.next : (answer.next?.[server] ?? null)
    const rest = next === null || next <= from ? [] : [{ server, gap: next - from, from, seq: from }]
    store.fill(gap, [...rest, ...answer.events.toReversed()])
    render()
  }
}
