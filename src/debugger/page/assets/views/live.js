/** The live stream: every event as it arrives. This is the first page. */
import { ask, followStream, queryString } from '../api.js'
import { Code } from '../parts/code.js'
import { EventDetail } from '../parts/detail.js'
import { EventStore, MAX_ROWS } from '../parts/event-store.js'
import { Filters } from '../parts/filters.js'
import { clock, number } from '../parts/format.js'
import { html, useEffect, useMemo, useRef, useState } from '../lib.js'
import { CopyButton, Outcome, Problem } from '../parts/parts.js'
import { snippet } from '../parts/snippets.js'
import { VirtualList } from '../parts/virtual-list.js'

const PAGE_ROWS = 300

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

function useStream(filters) {
  const store = useRef(new EventStore()).current
  const [state, setState] = useState('connecting')
  const [problem, setProblem] = useState('')
  const render = useRender()
  useEffect(() => {
    const controller = new AbortController()
    let close = () => undefined
    store.clear()
    const start = async () => {
      try {
        const { events, newest } = await ask(`/api/events${queryString({ ...filters, limit: PAGE_ROWS })}`, controller)
        if (controller.signal.aborted) return
        store.push({ rows: events.toReversed(), skipped: 0, skippedFrom: 0 })
        // With several workers, each stream begins at the position of the slowest worker, so some rows arrive twice.
        const seqs = new Set(events.map(({ seq }) => seq))
        const onBatch = batch => {
          store.push({ ...batch, rows: batch.rows.filter(({ seq }) => !seqs.has(seq)) })
          render()
        }
        close = followStream({ filters, after: newest, onBatch, onState: setState })
        setProblem('')
      } catch (error) {
        if (!controller.signal.aborted) setProblem(error.message)
      }
      render()
    }
    void start()
    return () => {
      controller.abort()
      close()
    }
  }, [JSON.stringify(filters)])
  return { store, state, problem, render }
}

/** Handles single keys, unless somebody types into a field. */
function useKeys(actions) {
  useEffect(() => {
    const onKey = event => {
      if (event.target.closest('input, select, textarea, dialog') || event.metaKey || event.ctrlKey || event.altKey)
        return
      actions[event.key]?.()
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [])
}

/** Loads the page of rows before the oldest row, one request at a time. */
function useOlderRows({ store, filters, render }) {
  const loading = useRef(false)
  /** True if the server has no older rows, so that scrolling sends no more requests. */
  const hasAllRows = useRef(false)
  useEffect(() => void (hasAllRows.current = false), [JSON.stringify(filters)])
  return async () => {
    const oldest = store.rows[0]?.seq
    if (loading.current || hasAllRows.current || oldest === undefined || oldest <= 1) return
    if (store.rows.length >= MAX_ROWS) return
    loading.current = true
    try {
      const { events, next } = await ask(`/api/events${queryString({ ...filters, before: oldest, limit: PAGE_ROWS })}`)
      if (store.rows[0]?.seq !== oldest) return
      store.prepend(events.toReversed())
      hasAllRows.current = next === null
      render()
    } finally {
      loading.current = false
    }
  }
}

export function Live({ sources, trackingUrl, filters, setFilters, selected, select }) {
  const { store, state, problem, render } = useStream(filters)
  const [follow, setFollow] = useState(true)
  const loadOlder = useOlderRows({ store, filters, render })
  const { rows } = store
  const at = index => rows[rows.length - 1 - index]
  const found = rows.findIndex(({ seq }) => seq === selected)
  const selectedIndex = found < 0 ? -1 : rows.length - 1 - found

  const pause = isPaused => {
    store.pause(isPaused)
    render()
  }
  useKeys({ p: () => pause(!store.isPaused), f: () => setFollow(true), Escape: () => select(undefined) })

  const fillGap = async gap => {
    const query = { ...filters, after: gap.from - 1, before: gap.from + gap.gap, order: 'asc', limit: 1000 }
    const { events, next } = await ask(`/api/events${queryString(query)}`)
    const remaining = next === null ? [] : [{ gap: gap.from + gap.gap - next - 1, from: next + 1, seq: next + 1 }]
    store.fill(gap, [...events, ...remaining.filter(rest => rest.gap > 0)])
    render()
  }
  const clear = async () => {
    await ask('/api/events', { method: 'DELETE' })
    store.clear()
    select(undefined)
    render()
  }

  return html`<section class="live ${selected === undefined ? '' : 'with-detail'}" aria-label="Live stream">
    <${Filters} filters=${filters} setFilters=${setFilters} sources=${sources}>
      <${Controls} store=${store} state=${state} follow=${follow} onPause=${pause} onFollow=${setFollow} onClear=${clear} />
    </${Filters}>
    <${Problem} message=${problem} />
    <div class="split">
      <div class="stream">
        <div class="row head" aria-hidden="true">
          <span>Time</span><span>Outcome</span><span>Type</span><span>Event</span><span>User</span><span>Source</span><span>Message id</span>
        </div>
        ${rows.length === 0 && html`<${Waiting} filters=${filters} trackingUrl=${trackingUrl} />`}
        <${VirtualList}
          label="Events, newest first"
          count=${rows.length}
          anchor=${store.added}
          follow=${follow && !store.isPaused}
          onFollow=${setFollow}
          selected=${selectedIndex}
          onSelect=${index => at(index).gap === undefined && select(at(index).seq)}
          onEnd=${loadOlder}
          rowAt=${index => html`<${Row} key=${at(index).seq} row=${at(index)} isSelected=${at(index).seq === selected} position=${[index + 1, rows.length]} onSelect=${select} onFill=${fillGap} />`}
        />
      </div>
      ${selected !== undefined && html`<${EventDetail} seq=${selected} onClose=${() => select(undefined)} />`}
    </div>
  </section>`
}

function Controls({ store, state, follow, onPause, onFollow, onClear }) {
  const labels = { live: 'Live', connecting: 'Connecting', lost: 'Connection lost: trying again' }
  const waiting = store.waiting.length
  return html`<div class="controls">
    <span class="state ${store.isPaused ? 'paused' : state}" role="status">
      ${store.isPaused ? `Paused${waiting > 0 ? `: ${number(waiting)} new` : ''}` : labels[state]}
    </span>
    <button type="button" aria-pressed=${store.isPaused} onClick=${() => onPause(!store.isPaused)} title="p">
      ${store.isPaused ? 'Resume' : 'Pause'}
    </button>
    <button type="button" aria-pressed=${follow} onClick=${() => onFollow(!follow)} title="f: stay with the newest">
      Follow
    </button>
    <button type="button" onClick=${onClear} title="Forget what is kept in memory; nothing that was stored is touched">
      Clear
    </button>
  </div>`
}

/** Shown before the first event: a command that sends one. */
function Waiting({ filters, trackingUrl }) {
  if (Object.values(filters).some(value => value)) {
    return html`<p class="empty">No event in memory matches these filters. New ones that do will appear here.</p>`
  }
  const curl = trackingUrl && snippet('curl', { url: trackingUrl, writeKey: 'WRITE_KEY' })
  return html`<div class="empty">
    <p>
      Waiting for the first event. Send one from a terminal, or see <a href="#/sources">Sources</a> for each SDK, a test
      event, and the write key.
    </p>
    ${curl && html`<div class="copyable"><${CopyButton} text=${curl} /><${Code} text=${curl} label="A first event" /></div>`}
  </div>`
}

function Row({ row, isSelected, position, onSelect, onFill }) {
  if (row.gap !== undefined) {
    return html`<div class="row gap" role="option" aria-selected="false">
      <span>${number(row.gap)} events came faster than they can be read.</span>
      <button class="small" type="button" onClick=${() => onFill(row)}>Show them</button>
    </div>`
  }
  const [index, count] = position
  return html`<div
    class="row ${isSelected ? 'selected' : ''} ${row.outcome}"
    role="option"
    id=${isSelected ? 'selected-row' : undefined}
    aria-selected=${isSelected}
    aria-posinset=${index}
    aria-setsize=${count}
    onClick=${() => onSelect(row.seq)}
  >
    <span class="time">${clock(row.receivedAt)}</span>
    <span><${Outcome} outcome=${row.outcome} /></span>
    <span class="type">${row.type}</span>
    <span class="name"
      >${row.name || html`<span class="type-instead">${row.type}</span>`}${row.code && html` <code class="reason">${row.code}</code>`}</span
    >
    <span class="user">${row.user}</span>
    <span class="source">${row.source}</span>
    <span class="id">${row.messageId}</span>
  </div>`
}
