/** Refused events and requests, by reason. */
import { ask } from '../api.js'
import { EventDetail } from '../parts/detail.js'
import { ago, clock, number } from '../parts/format.js'
import { html, useState } from '../lib.js'
import { HardValueList } from '../parts/hard-values.js'
import { Empty, Outcome, Problem, usePolling } from '../parts/parts.js'

export function Rejections({ showStream }) {
  const [data, problem] = usePolling(() => ask('/api/rejections'), 2000)
  const [counts] = usePolling(() => ask('/api/outcomes'), 5000)
  const [selected, select] = useState(undefined)
  return html`<section class="page rejections">
    <h1>Rejections</h1>
    <p class="lead">
      Events that were not taken, by reason, the latest first. They are kept longer in memory than good ones.
    </p>
    <${Problem} message=${problem} />
    ${data?.events.length === 0 && html`<${Empty}>No event was rejected.<//>`}
    <${Filtered} counts=${counts} />
    <div class="split">
      <div>
        ${data?.events.map(group => html`<${Group} group=${group} onSelect=${select} showStream=${showStream} />`)}
        ${data?.requests.length > 0 && html`<${Requests} groups=${data.requests} />`}
        <${HardValueList} />
      </div>
      ${selected !== undefined && html`<${EventDetail} place=${selected} onClose=${() => select(undefined)} />`}
    </div>
  </section>`
}

/** The events that are not among the rejected ones, although they were not taken either. */
function Filtered({ counts }) {
  const filtered = Object.values(counts?.sources ?? {}).reduce((sum, outcomes) => sum + outcomes.filtered, 0)
  if (filtered === 0) return null
  return html`<p class="quiet">
    ${`${number(filtered)} ${filtered === 1 ? 'event was' : 'events were'} filtered on purpose: `}
    <a href="#/live?outcome=filtered">see the stream</a>. Events that a tracking plan blocked are on ${' '}<a
      href="#/violations"
      >Violations</a
    >
    too.
  </p>`
}

function Group({ group, onSelect, showStream }) {
  const { outcome, code, meaning, count, lastAt, sdks, sources, samples } = group
  const senders = sdks.map(({ sdk, count: times }) => `${sdk || 'clients that name no SDK'} (${times})`).join(', ')
  return html`<article class="card group">
    <header>
      <h2><code>${code || outcome}</code> <span class="count">${number(count)}</span></h2>
      <${Outcome} outcome=${outcome} />
      <button class="small" type="button" onClick=${() => showStream(code ? { code } : { outcome })}>
        Show in stream
      </button>
    </header>
    <p>${meaning}</p>
    <p class="quiet">${`Last ${ago(lastAt)}, from ${sources.join(', ')}. Sent by ${senders}.`}</p>
    <table class="samples">
      <tbody>
        ${samples.map(
          row =>
            html`<tr>
              <td class="time">${clock(row.receivedAt)}</td>
              <td>${row.type}</td>
              <td>
                <button class="link" type="button" onClick=${() => onSelect(String(row.seq))}>
                  ${row.name || row.messageId || 'event'}
                </button>
              </td>
              <td>${row.user}</td>
              <td>${row.source}</td>
            </tr>`
        )}
      </tbody>
    </table>
  </article>`
}

function Requests({ groups }) {
  return html`<div>
    <h2>Requests that never became events</h2>
    <p class="lead">
      Refused before their body was split: a wrong key, an origin that is not allowed, a body that is not JSON.
    </p>
    ${groups.map(
      ({ code, count, lastAt, samples }) =>
        html`<article class="card group">
          <header>
            <h2><code>${code}</code> <span class="count">${number(count)}</span></h2>
          </header>
          ${[...new Set(samples.map(({ message }) => message))].map(message => html`<p>${message}.</p>`)}
          <p class="quiet">Last ${ago(lastAt)}.</p>
          <table class="samples">
            <tbody>
              ${samples.map(
                ({ at, path, source, key, origin, address, client }) =>
                  html`<tr>
                    <td class="time">${clock(at)}</td>
                    <td><code>${path}</code></td>
                    <td>${source || (key && html`key <code>${key}</code>`)}</td>
                    <td>${origin}</td>
                    <td>${address}</td>
                    <td>${client}</td>
                  </tr>`
              )}
            </tbody>
          </table>
        </article>`
    )}
  </div>`
}
