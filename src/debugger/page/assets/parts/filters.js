import { html, useEffect, useState } from '../lib.js'
import { OUTCOMES, TYPES } from './parts.js'

const INPUT_DELAY_MS = 250

/** The filters of the stream. A text takes effect shortly after the last key press. */
export function Filters({ filters, setFilters, sources, servers, children }) {
  const set = (name, value) => setFilters({ ...filters, [name]: value })
  const isFiltered = Object.values(filters).some(value => value)
  return html`<form
    class="filters"
    role="search"
    aria-label="Filter events"
    onSubmit=${event => event.preventDefault()}
  >
    <${Choice}
      label="Outcome"
      value=${filters.outcome}
      options=${OUTCOMES}
      onChange=${value => set('outcome', value)}
    />
    <${Choice} label="Type" value=${filters.type} options=${TYPES} onChange=${value => set('type', value)} />
    <${Choice} label="Source" value=${filters.source} options=${sources} onChange=${value => set('source', value)} />
    ${servers.length > 0 && html`<${Choice} label="Server" value=${filters.server} options=${servers} onChange=${value => set('server', value)} />`}
    <${Text} label="Event" value=${filters.event} isPattern onChange=${value => set('event', value)} />
    <${Text} label="User" value=${filters.user} isPattern onChange=${value => set('user', value)} />
    <${Text} label="Reason" value=${filters.code} onChange=${value => set('code', value)} />
    <${Text} label="Text in payload" value=${filters.text} onChange=${value => set('text', value)} />
    ${isFiltered && html`<button class="small" type="button" onClick=${() => setFilters({})}>Reset</button>`}
    ${children}
  </form>`
}

/** The distinct values of a member, sorted. */
export const valuesOf = (items, key) => [...new Set(items.map(item => item[key]))].toSorted((a, b) => (a < b ? -1 : 1))

/** @param labels the label of an option, if it differs from the option itself */
export function Choice({ label, value = '', options, labels = {}, onChange }) {
  return html`<select
    aria-label=${label}
    value=${value}
    class=${value === '' ? '' : 'on'}
    onChange=${event => onChange(event.target.value)}
  >
    <option value="">${label}</option>
    ${options.map(option => html`<option value=${option}>${labels[option] ?? option}</option>`)}
  </select>`
}

/** People type a part of a name. The API compares the whole name, with * for any characters. */
const toPattern = text => (text === '' || text.includes('*') ? text : `*${text}*`)
const fromPattern = text => text.replace(/^\*([^*]*)\*$/, '$1')

function Text({ label, value = '', isPattern = false, onChange }) {
  const [typed, setTyped] = useState('')
  useEffect(() => setTyped(isPattern ? fromPattern(value) : value), [value])
  useEffect(() => {
    const next = isPattern ? toPattern(typed.trim()) : typed.trim()
    if (next === value) return undefined
    const timer = setTimeout(() => onChange(next), INPUT_DELAY_MS)
    return () => clearTimeout(timer)
  }, [typed])
  return html`<input
    type="search"
    aria-label=${label}
    placeholder=${label}
    class=${value === '' ? '' : 'on'}
    value=${typed}
    onInput=${event => setTyped(event.target.value)}
    spellcheck="false"
    autocomplete="off"
  />`
}
