/** The rows of the live stream: of this server, or of all servers of its fleet. */
import { ask, followFleet, followStream, queryString } from '../api.js'
import { useEffect, useMemo, useRef, useState } from '../lib.js'
import { EventStore, MAX_ROWS } from './event-store.js'

const PAGE_ROWS = 300

/** Where an event is: its seq, and in a fleet its server, as text for the address and for keys. */
export const placeOf = ({ server, seq }) => (server === undefined ? String(seq) : `${seq}@${server}`)

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
  /** Where the rows before the oldest row begin; null if there are none. */
  const older = useRef(null)
  const { server, ...own } = filters
  const query = scope === 'fleet' ? { ...own, scope, server } : own
  useEffect(() => {
    if (scope === undefined) return undefined
    const controller = new AbortController()
    let close = () => undefined
    store.clear()
    const start = async () => {
      try {
        const answer = await ask(`/api/events${queryString({ ...query, limit: PAGE_ROWS })}`, controller)
        if (controller.signal.aborted) return
        const { events, newest } = answer
        store.push({ rows: events.toReversed(), skipped: 0, skippedFrom: 0 })
        older.current = cursorOf(answer)
        for (const { server, problem } of answer.servers ?? []) servers.set(server, problem ?? '')
        // With several workers, each stream begins at the position of the slowest worker, so some rows arrive twice.
        const known = new Set(events.map(placeOf))
        const onBatch = batch => {
          if (batch.server !== undefined) servers.set(batch.server, batch.problem ?? '')
          store.push({ ...batch, rows: batch.rows.filter(row => !known.has(placeOf(row))) })
          render()
        }
        const follow = scope === 'fleet' ? followFleet : followStream
        close = follow({ filters: query, after: newest, onBatch, onState: setState })
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
  const isWanted = name => server === undefined || server === '' || server === name
  return {
    store,
    state,
    problem,
    render,
    servers: [...servers.keys()].toSorted((a, b) => (a < b ? -1 : 1)),
    clear() {
      store.clear()
      older.current = null
    },
    silent: [...servers].filter(([name, why]) => why !== '' && isWanted(name)),
    loadOlder: useOlderRows({ store, query, render, older }),
    fillGap: createFill({ store, query, render })
  }
}

/** `before` of the request for the rows that follow an answer; null if there are none. */
const cursorOf = ({ next }) => (next !== null && typeof next === 'object' ? JSON.stringify(next) : next)

/** Loads the page of rows before the oldest row, one request at a time. */
function useOlderRows({ store, query, render, older }) {
  const isLoading = useRef(false)
  return async () => {
    const before = older.current
    if (isLoading.current || before === null || store.rows.length >= MAX_ROWS) return
    isLoading.current = true
    try {
      const answer = await ask(`/api/events${queryString({ ...query, before, limit: PAGE_ROWS })}`)
      if (older.current !== before) return
      older.current = cursorOf(answer)
      const known = new Set(store.rows.map(placeOf))
      store.prepend(answer.events.filter(row => !known.has(placeOf(row))).toReversed())
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
    const next = server === undefined ? answer.next : (answer.next?.[server] ?? null)
    const rest = next === null || next <= from ? [] : [{ server, gap: next - from, from, seq: from }]
    store.fill(gap, [...rest, ...answer.events.toReversed()])
    render()
  }
}
