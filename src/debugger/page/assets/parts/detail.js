/** One event: its journey, the call that sends it, the changed fields, and the bytes. */
import { ask } from '../api.js'
import { Code, curlCall, formatJson, sdkCall, testAssertion } from './code.js'
import { clock, describePlace } from './format.js'
import { html, useEffect, useState } from '../lib.js'
import { CopyButton, Outcome, Problem } from './parts.js'
import { eventPath, serverOf } from './stream.js'

/**
 * Loads an event by its place. The previous event stays visible until then. A server that was started again counts from 1, so
 * that a place can be another event's.
 *
 * @param messageId the event's, if it is known
 */
export function EventDetail({ place, messageId, onClose }) {
  const [event, setEvent] = useState(undefined)
  const [problem, setProblem] = useState('')
  useEffect(() => {
    const controller = new AbortController()
    const load = async () => {
      try {
        const found = await ask(eventPath(place), controller)
        const isAnother = messageId !== undefined && found.messageId !== messageId
        setEvent(found)
        setProblem(isAnother ? 'this event is not in memory any more: its server was started again' : '')
      } catch (error) {
        if (!controller.signal.aborted) setProblem(error.message)
      }
    }
    void load()
    return () => controller.abort()
  }, [place])
  return html`<aside class="detail" aria-label="Event">
    <button class="close" type="button" aria-label="Close (Escape)" onClick=${onClose}>✕</button>
    <${Problem} message=${problem} />
    ${event && !problem && html`<${EventView} event=${event} server=${serverOf(place)} />`}
  </aside>`
}

/** @param server the event's, in a fleet */
export function EventView({ event, server }) {
  const [tab, setTab] = useState('call')
  const value = event.payload ?? {}
  const tabs = { call: 'SDK call', fields: 'Fields', changes: `Changes (${event.changes.length})`, raw: 'Raw JSON' }
  return html`<article>
    <header>
      <h2>${event.name || event.type}</h2>
      <p class="facts">
        <${Outcome} outcome=${event.outcome} /> <b>${event.type}</b>${' from '}
        <b>${event.source}</b>${` at ${clock(event.receivedAt)}`}${server !== undefined && html` on <b>${server}</b>`}
      </p>
    </header>
    ${event.fault && html`<p class="fault" role="note"><code>${event.fault.code}</code> ${event.fault.message}${event.fault.pointer && html`, at <code>${event.fault.pointer}</code>`}</p>`}
    ${event.hardValues?.length > 0 && html`<${HardValues} values=${event.hardValues} />`}
    <${Journey} event=${event} />
    <${Routing} routing=${event.routing} />
    <div class="tabs" role="tablist" aria-label="Views of the event">
      ${Object.entries(tabs).map(([id, label]) => html`<button type="button" role="tab" aria-selected=${tab === id} onClick=${() => setTab(id)}>${label}</button>`)}
    </div>
    <div role="tabpanel" class="panel">
      ${tab === 'call' && html`<${SdkCall} event=${event} value=${value} />`}
      ${tab === 'fields' && html`<${Fields} event=${event} value=${value} />`}
      ${tab === 'changes' && html`<${Changes} changes=${event.changes} />`}
      ${tab === 'raw' && html`<${Raw} event=${event} />`}
    </div>
  </article>`
}

/** Values of this event that the contract allows and that common readers of the log cannot read. */
function HardValues({ values }) {
  return html`<ul class="hard-values" aria-label="Hard to read">
    ${values.map(({ path, meaning }) => html`<li><code>${path}</code>${` holds ${meaning}`}</li>`)}
  </ul>`
}

export function Journey({ event }) {
  return html`<ol class="journey" aria-label="Journey">
    ${event.journey.map(
      ({ step, atMs, says }) =>
        html`<li class=${step}>
          <span class="step">${step}</span>
          <span class="ms">+${atMs < 10 ? atMs.toFixed(2) : Math.round(atMs)} ms</span>
          <span class="says">
            ${
              step === 'published'
                ? html`<ul>
                    ${event.places.map(place => html`<li>${describePlace(place)}</li>`)}
                  </ul>`
                : says
            }
          </span>
        </li>`
    )}
  </ol>`
}

/** What became of an event at each destination of the configuration, and why. */
export function Routing({ routing }) {
  if (routing === undefined || routing.destinations.length === 0) return null
  const { destinations, says, changed } = routing
  return html`<section class="routing">
    <table aria-label="Destinations">
      <thead>
        <tr>
          <th scope="col">Destination</th>
          <th scope="col">Sent</th>
          <th scope="col">Where, or why not</th>
        </tr>
      </thead>
      <tbody>
        ${destinations.map(
          ({ destination, sent, rule, says }) =>
            html`<tr class=${sent ? 'sent' : 'not-sent'}>
              <th scope="row">${destination}</th>
              <td>${sent ? 'sent' : 'not sent'}</td>
              <td>${rule !== null && html`<code>${rule}</code>${' '}`}${says}</td>
            </tr>`
        )}
      </tbody>
    </table>
    ${says !== '' && html`<p class=${changed === false ? 'quiet' : 'changed'}>This is ${says}.</p>`}
  </section>`
}

function SdkCall({ event, value }) {
  if (event.payload === null)
    return html`<p class="empty">This is not an event that an SDK could send; see Raw JSON.</p>`
  const type = event.type === 'unknown' ? 'track' : event.type
  const text = sdkCall(type, value)
  const curl = async () => curlCall(event, (await ask('/api/sources')).trackingUrl)
  return html`<div>
    <div class="copyable"><${CopyButton} text=${text} /><${Code} text=${text} label="SDK call" /></div>
    <p class="copies">
      <${CopyButton} text=${curl} label="Copy as curl" />
      <${CopyButton} text=${testAssertion(type, value)} label="Copy as test assertion" />
      <${CopyButton} text=${() => location.href} label="Copy link" />
    </p>
  </div>`
}

function Fields({ event, value }) {
  const facts = {
    'message id': event.messageId,
    user: event.user,
    SDK: event.sdk,
    address: event.address,
    endpoint: event.endpoint
  }
  return html`<table class="fields">
    <tbody>
      ${Object.entries(facts).map(
        ([name, text]) =>
          text &&
          html`<tr>
            <th scope="row">${name}</th>
            <td>${text}</td>
          </tr>`
      )}
      ${flatten(value).map(
        ([path, text]) =>
          html`<tr>
            <th scope="row"><code>${path}</code></th>
            <td>${text}</td>
          </tr>`
      )}
    </tbody>
  </table>`
}

const MAX_FIELDS = 300

function flatten(value, path = '') {
  const fields = []
  for (const [key, item] of Object.entries(value)) {
    if (fields.length > MAX_FIELDS) break
    const name = path === '' ? key : `${path}.${key}`
    const hasMembers = typeof item === 'object' && item !== null && Object.keys(item).length > 0
    if (hasMembers) fields.push(...flatten(item, name))
    else fields.push([name, typeof item === 'string' ? item : JSON.stringify(item)])
  }
  return fields.slice(0, MAX_FIELDS)
}

function Changes({ changes }) {
  if (changes.length === 0) return html`<p class="empty">Nothing was changed.</p>`
  return html`<table class="changes">
    <thead>
      <tr>
        <th scope="col">Field</th>
        <th scope="col">As sent</th>
        <th scope="col">As published</th>
      </tr>
    </thead>
    <tbody>
      ${changes.map(
        ({ field, kind, before, after }) =>
          html`<tr class=${kind}>
            <th scope="row"><code>${field}</code></th>
            <td>${before ?? '–'}</td>
            <td>${after ?? '–'}</td>
          </tr>`
      )}
    </tbody>
  </table>`
}

function Raw({ event }) {
  return html`<div>
    <h3>As sent <${CopyButton} text=${event.received} /></h3>
    <${Code} text=${formatJson(event.received)} label="Event as sent" />
    ${
      event.published !== null &&
      html`<h3>As published <${CopyButton} text=${event.published} /></h3>
        <${Code} text=${formatJson(event.published)} label="Event as published" />`
    }
  </div>`
}
