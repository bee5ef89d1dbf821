/** The live stream: every event as it arrives. This is the first page. */
import { ask } from '../api.js'
import { Code } from '../parts/code.js'
import { EventDetail } from '../parts/detail.js'
import { Filters } from '../parts/filters.js'
import { clock, number } from '../parts/format.js'
import { html, useEffect, useState } from '../lib.js'
import { CopyButton, Outcome, Problem } from '../parts/parts.js'
import { snippet } from '../parts/snippets.js'
import { keyOf, placeOf, useStream } from '../parts/stream.js'
import { VirtualList } from '../parts/virtual-list.js'

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

/**
 * @param scope 'fleet': the events of all servers; '': of this one; undefined: not known yet
 * @param isAlone whether this server of a fleet does not hear the others
 */
export function Live({ sources, trackingUrl, scope, isAlone, filters, setFilters, selected, select }) {
  const { store, state, problem, silent, servers, render, clear: empty, loadOlder, fillGap } = useStream(filters, scope)
  const [follow, setFollow] = useState(true)
  const isFleet = scope === 'fleet'
  const { rows } = store
  const at = index => rows[rows.length - 1 - index]
  const found = rows.findLastIndex(row => placeOf(row) === selected)
  const selectedIndex = found < 0 ? -1 : rows.length - 1 - found

  const pause = isPaused => {
    store.pause(isPaused)
    render()
  }
  useKeys({ p: () => pause(!store.isPaused), f: () => setFollow(true), Escape: () => select(undefined) })

  const clear = async () => {
    if (!isFleet) await ask('/api/events', { method: 'DELETE' })
    empty()
    select(undefined)
    render()
  }

  return html`<section class="live ${selected === undefined ? '' : 'with-detail'} ${isFleet ? 'of-fleet' : ''}" aria-label="Live stream">
    <${Filters} filters=${filters} setFilters=${setFilters} sources=${sources} servers=${servers}>
      <${Controls} store=${store} isFleet=${isFleet} state=${state} follow=${follow} onPause=${pause} onFollow=${setFollow} onClear=${clear} />
    </${Filters}>
    <${Problem} message=${problem} />
    <${Silent} servers=${scope === 'fleet' ? silent : []} />
    ${isAlone && html`<p class="problem" role="status">Kafka does not answer, so this server does not hear the others. Its own events are shown.</p>`}
    <div class="split">
      <div class="stream">
        <div class="row head" aria-hidden="true">
          <span>Time</span><span>Outcome</span><span>Type</span><span>Event</span>${isFleet && html`<span>Server</span>`}<span>User</span><span>Source</span><span>Message id</span>
        </div>
        ${rows.length === 0 && html`<${Waiting} filters=${filters} trackingUrl=${trackingUrl} />`}
        <${VirtualList}
          label="Events, newest first"
          count=${rows.length}
          anchor=${store.added}
          follow=${follow && !store.isPaused}
          onFollow=${setFollow}
          selected=${selectedIndex}
          onSelect=${index => at(index).gap === undefined && select(placeOf(at(index)))}
          onEnd=${loadOlder}
          rowAt=${index => html`<${Row} key=${keyOf(at(index))} row=${at(index)} isSelected=${placeOf(at(index)) === selected} position=${[index + 1, rows.length]} onSelect=${select} onFill=${fillGap} />`}
        />
      </div>
      ${selected !== undefined && html`<${EventDetail} place=${selected} messageId=${rows[found]?.messageId} onClose=${() => select(undefined)} />`}
    </div>
  </section>`
}

function Controls({ store, isFleet, state, follow, onPause, onFollow, onClear }) {
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
    <button
      type="button"
      onClick=${onClear}
      title=${isFleet ? 'Empty this list; the servers keep what they have' : 'Forget what is kept in memory; nothing that was stored is touched'}
    >
      Clear
    </button>
  </div>`
}

/** Servers whose events are missing, and why. */
function Silent({ servers }) {
  if (servers.length === 0) return null
  const names = servers.map(([name, problem]) => `${name} (${problem})`).join(', ')
  return html`<p class="problem" role="status">No events of ${names}. Those of the other servers are shown.</p>`
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
      <span
        >${number(row.gap)} events${row.server !== undefined && ` of ${row.server}`} came faster than they can be
        read.</span
      >
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
    onClick=${() => onSelect(placeOf(row))}
  >
    <span class="time">${clock(row.receivedAt)}</span>
    <span><${Outcome} outcome=${row.outcome} /></span>
    <span class="type">${row.type}</span>
    <span class="name"
      >${row.name || html`<span class="type-instead">${row.type}</span>`}${row.code && html` <code class="reason">${row.code}</code>`}</span
    >
    ${row.server !== undefined && html`<span class="server">${row.server}</span>`}
    <span class="user">${row.user}</span>
    <span class="source">${row.source}</span>
    <span class="id">${row.messageId}</span>
  </div>`
}
