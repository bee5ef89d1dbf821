/** The sources with their keys and SDKs, and the first steps with an SDK. */
import { ask } from '../api.js'
import { Code } from '../parts/code.js'
import { Journey } from '../parts/detail.js'
import { ago, number } from '../parts/format.js'
import { html, useState } from '../lib.js'
import { CopyButton, Empty, OUTCOMES, Problem, TYPES, usePolling } from '../parts/parts.js'
import { snippet, SNIPPETS } from '../parts/snippets.js'
import { InForce } from './fleet.js'

export function Sources({ showStream, isFleet }) {
  const [data, problem] = usePolling(() => ask('/api/sources'), 3000)
  return html`<section class="page sources">
    <h1>Sources</h1>
    <p class="lead">Each source has its own write keys. Keys are shown in part; Copy takes the whole one.</p>
    ${isFleet && html`<${FleetVersion} />`}
    <${Problem} message=${problem} />
    ${data?.sources.length === 0 && html`<${Empty}>The config file names no source.<//>`}
    ${data?.sources.map(source => html`<${Source} key=${source.id} source=${source} url=${data.trackingUrl} showStream=${showStream} />`)}
  </section>`
}

/** Shows which servers of the fleet use the version that these sources come from. */
function FleetVersion() {
  const [data] = usePolling(() => ask('/api/fleet'), 3000)
  return data && html`<${InForce} data=${data} />`
}

const fetchKey = async (source, index) =>
  (await ask(`/api/sources/${encodeURIComponent(source.id)}/keys/${index}`, { method: 'POST' })).writeKey

function Source({ source, url, showStream }) {
  const { id, name, enabled, keys, outcomes, lastEventAt, sdks, allowedOrigins, rateLimit } = source
  const counts = OUTCOMES.filter(outcome => outcomes[outcome] > 0)
  return html`<article class="card source">
    <header>
      <h2>${name}</h2>
      <code>${id}</code>
      ${!enabled && html`<span class="outcome failed">disabled</span>`}
      <button class="small" type="button" onClick=${() => showStream({ source: id })}>Show in stream</button>
    </header>
    <dl class="facts">
      <dt>Write keys</dt>
      <dd>
        ${keys.map((masked, index) => html`<span class="key"><code>${masked}</code><${CopyButton} text=${() => fetchKey(source, index)} /></span>`)}
      </dd>
      <dt>Last event</dt>
      <dd>${lastEventAt ? ago(lastEventAt) : 'none since the server started'}</dd>
      <dt>Since the start</dt>
      <dd>
        ${counts.length === 0 ? '–' : counts.map(outcome => `${number(outcomes[outcome])} ${outcome.replace('_', ' ')}`).join(', ')}
      </dd>
      <dt>SDKs seen</dt>
      <dd>
        ${sdks.length === 0 ? '–' : sdks.map(({ sdk, lastAt }) => html`<span class="sdk">${sdk} <small>${ago(lastAt)}</small></span>`)}
      </dd>
      ${
        allowedOrigins &&
        html`<dt>Allowed origins</dt>
          <dd>${allowedOrigins.join(', ')}</dd>`
      }
      ${
        rateLimit &&
        html`<dt>Rate limit</dt>
          <dd>
            ${Object.entries(rateLimit)
              .map(([unit, value]) => `${number(value)} ${unit === 'eventsPerSecond' ? 'events' : 'requests'} a second`)
              .join(', ')}
          </dd>`
      }
    </dl>
    <${TestEvent} source=${source} />
    <${FirstSteps} source=${source} url=${url} />
  </article>`
}

function TestEvent({ source }) {
  const [type, setType] = useState('track')
  const [result, setResult] = useState(undefined)
  const [problem, setProblem] = useState('')
  const send = async () => {
    setProblem('')
    try {
      const sent = await ask(`/api/sources/${encodeURIComponent(source.id)}/test`, { method: 'POST', body: { type } })
      const { events } = await ask(`/api/trace/${sent.messageId}`)
      setResult({ ...sent, event: events[0] })
    } catch (error) {
      setProblem(error.message)
    }
  }
  return html`<div class="test">
    <label
      >Test event
      <select value=${type} onChange=${event => setType(event.target.value)}>
        ${TYPES.map(name => html`<option>${name}</option>`)}
      </select></label
    >
    <button type="button" onClick=${send}>Send a test event</button>
    <${Problem} message=${problem} />
    <div role="status">
      ${
        result &&
        html`<p>
          Answered <b>${result.status}</b>${result.answer.message && `: ${result.answer.message}`}. Its id is ${' '}
          <a href=${`#/trace/${result.messageId}`}><code>${result.messageId}</code></a
          >.
        </p>`
      }
      ${result?.event && html`<${Journey} event=${result.event} />`}
    </div>
  </div>`
}

function FirstSteps({ source, url }) {
  const [sdk, setSdk] = useState('Browser')
  const shown = snippet(sdk, { url, writeKey: source.keys[0] ?? 'wk_...' })
  return html`<details class="steps">
    <summary>First steps: point an SDK here</summary>
    <div class="tabs" role="tablist" aria-label="SDK">
      ${Object.keys(SNIPPETS).map(name => html`<button type="button" role="tab" aria-selected=${name === sdk} onClick=${() => setSdk(name)}>${name}</button>`)}
    </div>
    <div role="tabpanel" class="copyable">
      <${CopyButton}
        label="Copy with the key"
        text=${async () => snippet(sdk, { url, writeKey: await fetchKey(source, 0) })}
      />
      <${Code} text=${shown} label=${`${sdk} snippet`} />
    </div>
  </details>`
}
