/** The published events and their structure: names, types and presence, but no values. */
import { ask } from '../api.js'
import { html, useState } from '../lib.js'
import { Choice, valuesOf } from '../parts/filters.js'
import { ago, number, share } from '../parts/format.js'
import { Empty, Problem, usePolling } from '../parts/parts.js'

/** The most events in the list. Filters find the others. */
const MAX_SHOWN = 200

export function Catalogue() {
  const [data, problem] = usePolling(() => ask('/api/catalogue?summary=true'), 5000)
  const [source, setSource] = useState('')
  const [type, setType] = useState('')
  const [text, setText] = useState('')
  const [openKey, setOpenKey] = useState('')
  const all = data?.events ?? []
  const query = text.trim().toLowerCase()
  const matching = all
    .filter(event => (source === '' || event.source === source) && (type === '' || event.type === type))
    .filter(event => event.name.toLowerCase().includes(query))
    .toSorted((a, b) => b.events - a.events)
  const visible = matching.slice(0, MAX_SHOWN)
  return html`<section class="page catalogue">
    <h1>Catalogue</h1>
    <p class="lead">
      The events that were taken, with their properties, types and SDKs. Make a tracking plan of it:${' '}
      <code>tributary plan infer --source ${source || (all[0]?.source ?? 'web')}</code>
    </p>
    <${Problem} message=${problem} />
    ${data?.dropped > 0 && html`<p class="banner warning" role="status">The catalogue is full: ${number(data.dropped)} times something was not noted.</p>`}
    ${
      all.length > 0 &&
      html`<form class="filters" role="search" aria-label="Filter events" onSubmit=${event => event.preventDefault()}>
        <input
          type="search"
          aria-label="Event name"
          placeholder="Event name"
          value=${text}
          onInput=${event => setText(event.target.value)}
        />
        <${Choice} label="Type" value=${type} options=${valuesOf(all, 'type')} onChange=${setType} />
        <${Choice} label="Source" value=${source} options=${valuesOf(all, 'source')} onChange=${setSource} />
        <span class="quiet" role="status">${counted(matching.length, 'kind')} of events</span>
      </form>`
    }
    ${data && all.length === 0 && html`<${Empty}>No event was taken yet. Names, properties and types of what is sent appear here.<//>`}
    ${all.length > 0 && matching.length === 0 && html`<${Empty}>No event is like that.<//>`}
    <ul class="seen">
      ${visible.map(event => {
        const key = JSON.stringify([event.source, event.type, event.name])
        return html`<${Entry}
          key=${key}
          event=${event}
          isOpen=${openKey === key}
          onToggle=${() => setOpenKey(openKey === key ? '' : key)}
        />`
      })}
    </ul>
    ${matching.length > visible.length && html`<p class="quiet">${number(matching.length - visible.length)} more: use the filters.</p>`}
  </section>`
}

const counted = (count, noun) => `${number(count)} ${noun}${count === 1 ? '' : 's'}`

function Entry({ event, isOpen, onToggle }) {
  return html`<li class="seen-event">
    <button class="seen-row" type="button" aria-expanded=${isOpen} onClick=${onToggle}>
      <span class="name">${event.name || `(any ${event.type})`}</span>
      <span class="type">${event.type}</span>
      <span class="source">${event.source}</span>
      <span class="events">${counted(event.events, 'event')}</span>
      <span class="last">${ago(event.lastSeen)}</span>
    </button>
    ${isOpen && html`<${Details} event=${event} />`}
  </li>`
}

function Details({ event }) {
  const { source, type, name } = event
  const query = new URLSearchParams({ source, type, name: name.toWellFormed() })
  const [data, problem] = usePolling(() => ask(`/api/catalogue?${query}`), 5000)
  const details = data?.events[0]
  const senders = Object.entries(event.sdks)
    .toSorted(([, a], [, b]) => b - a)
    .map(([sdk, count]) => `${sdk} (${number(count)})`)
  return html`<div class="seen-details">
    <${Problem} message=${problem} />
    <p class="quiet">${`First seen ${ago(event.firstSeen)}. Sent by ${senders.join(', ')}.`}</p>
    ${event.isTruncated && html`<p class="quiet">It has more properties than are noted.</p>`}
    ${data && details === undefined && html`<${Empty}>This event is no longer in the catalogue.<//>`}
    ${details && html`<${Properties} properties=${details.properties} />`}
  </div>`
}

function Properties({ properties }) {
  const rows = Object.entries(properties)
    .filter(([path]) => path.lastIndexOf('/') > 0)
    .map(([path, property]) => rowOf(path, property, properties[path.slice(0, path.lastIndexOf('/'))]))
  if (rows.length === 0) return html`<${Empty}>It has no properties.<//>`
  return html`<table class="properties">
    <thead>
      <tr>
        <th scope="col">Property</th>
        <th scope="col">Types</th>
        <th scope="col">Present in</th>
        <th scope="col" class="last">Last seen</th>
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        ({ name, types, varies, presence, lastSeen }) =>
          html`<tr>
            <th scope="row"><code>${name}</code></th>
            <td class=${varies ? 'varies' : ''}>${types.join(', ')}</td>
            <td>${presence}</td>
            <td class="last">${ago(lastSeen)}</td>
          </tr>`
      )}
    </tbody>
  </table>`
}

/** The presence is a share of the objects that could have the property. Elements of an array have no presence. */
function rowOf(path, { types, lastSeen }, parent) {
  const counts = Object.entries(withoutIntegers(types)).toSorted(([, a], [, b]) => b - a)
  const times = counts.reduce((sum, [, count]) => sum + count, 0)
  return {
    name: path.slice(1).split('/').map(unescaped).join('.'),
    types: counts.length === 1 ? [counts[0][0]] : counts.map(([type, count]) => `${type} ${share(count, times)}`),
    presence: path.endsWith('/[]') ? '–' : share(times, parent?.objects ?? 0),
    varies: counts.filter(([type]) => type !== 'null').length > 1,
    lastSeen
  }
}

/** Counts integers as numbers if fractions occur too. */
function withoutIntegers({ integer, number: fractions, ...others }) {
  if (fractions === undefined) return integer === undefined ? others : { ...others, integer }
  return { ...others, number: fractions + (integer ?? 0) }
}

const unescaped = step => step.replaceAll('~2', '[]').replaceAll('~1', '/').replaceAll('~0', '~')
