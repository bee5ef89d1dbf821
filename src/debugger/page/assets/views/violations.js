/** Differences from the tracking plans, by event, property and kind. */
import { ask } from '../api.js'
import { html, useState } from '../lib.js'
import { Choice, valuesOf } from '../parts/filters.js'
import { ago, number } from '../parts/format.js'
import { Empty, Problem, usePolling } from '../parts/parts.js'

/** The most events in the list. Filters find the others. */
const MAX_SHOWN = 100
const MAX_SAMPLES = 3
const KINDS = {
  unplanned_event: 'unplanned event',
  unplanned_property: 'unplanned property',
  violation: 'violation',
  common: 'common schema'
}

/** What the server did about a difference, by the mode of the plan. */
const ACTIONS = { report: 'reported', omit: 'left out', block: 'event blocked' }

export function Violations() {
  const [data, problem] = usePolling(() => ask('/api/violations'), 3000)
  const [source, setSource] = useState('')
  const [kind, setKind] = useState('')
  const [text, setText] = useState('')
  const all = data?.violations ?? []
  const query = text.trim().toLowerCase()
  const matching = all
    .filter(violation => (source === '' || violation.source === source) && (kind === '' || violation.kind === kind))
    .filter(({ name, field }) => `${name}\n${field}`.toLowerCase().includes(query))
  const groups = byEvent(matching)
  return html`<section class="page violations">
    <h1>Violations</h1>
    <p class="lead">Where events differ from their tracking plan since the server started, the most frequent first.</p>
    <${Problem} message=${problem} />
    ${data?.dropped > 0 && html`<p class="banner warning" role="status">The list is full: ${number(data.dropped)} violations of other kinds are not in it.</p>`}
    ${
      all.length > 0 &&
      html`<form
        class="filters"
        role="search"
        aria-label="Filter violations"
        onSubmit=${event => event.preventDefault()}
      >
        <input
          type="search"
          aria-label="Event or property"
          placeholder="Event or property"
          value=${text}
          onInput=${event => setText(event.target.value)}
        />
        <${Choice} label="Kind" value=${kind} options=${valuesOf(all, 'kind')} labels=${KINDS} onChange=${setKind} />
        <${Choice} label="Source" value=${source} options=${valuesOf(all, 'source')} onChange=${setSource} />
      </form>`
    }
    ${data && all.length === 0 && html`<${Empty}>Nothing differs from a tracking plan. Only events of a source that has a <code>plan</code> in tributary.yml are compared.<//>`}
    ${all.length > 0 && matching.length === 0 && html`<${Empty}>No violation is like that.<//>`}
    ${groups.slice(0, MAX_SHOWN).map(group => html`<${Group} key=${group.key} group=${group} />`)}
    ${groups.length > MAX_SHOWN && html`<p class="quiet">${number(groups.length - MAX_SHOWN)} more events: use the filters.</p>`}
  </section>`
}

/** Groups by event. The answer has the most frequent violation first, so the groups are sorted too. */
function byEvent(violations) {
  const groups = new Map()
  for (const violation of violations) {
    const { source, type, name } = violation
    const key = JSON.stringify([source, type, name])
    if (!groups.has(key)) groups.set(key, { key, source, type, name, violations: [] })
    groups.get(key).violations.push(violation)
  }
  return [...groups.values()]
}

function Group({ group }) {
  const { source, type, name, violations } = group
  return html`<article class="card group">
    <header>
      <h2>${name || `(any ${type})`}</h2>
      <span class="quiet">${`${type} of ${source}`}</span>
    </header>
    <table class="differences">
      <thead>
        <tr>
          <th scope="col">Property</th>
          <th scope="col">What is wrong, and what was done</th>
          <th scope="col">Events</th>
          <th scope="col">Sent by</th>
          <th scope="col">Latest</th>
        </tr>
      </thead>
      <tbody>
        ${violations.map(violation => html`<${Row} violation=${violation} />`)}
      </tbody>
    </table>
  </article>`
}

function Row({ violation }) {
  const { kind, violation: type, field, description, events, lastSeen, done, sdks, samples } = violation
  const senders = Object.entries(sdks)
    .toSorted(([, a], [, b]) => b - a)
    .map(([sdk, count]) => `${sdk} (${number(count)})`)
  return html`<tr>
    <th scope="row"><code>${field}</code></th>
    <td>
      <span class="outcome ${kind}">${kind === 'common' ? `common schema: ${type}` : type}</span> ${description}
      <div class="quiet done">${describeActions(done)}</div>
    </td>
    <td class="events">${number(events)}<span class="unit">${events === 1 ? ' event' : ' events'}</span></td>
    <td class="quiet">${senders.join(', ')}</td>
    <td>
      <span class="quiet">${ago(lastSeen)}</span>
      ${samples
        .slice(-MAX_SAMPLES)
        .toReversed()
        .map(id => html`<a class="sample" href=${`#/trace/${encodeURIComponent(id.toWellFormed())}`}>${id}</a>`)}
    </td>
  </tr>`
}

/** Has counts only if the mode of the plan has changed in the meantime. */
function describeActions(done) {
  const all = Object.entries(done)
  return all.map(([mode, count]) => `${ACTIONS[mode]}${all.length > 1 ? ` (${number(count)})` : ''}`).join(', ')
}
