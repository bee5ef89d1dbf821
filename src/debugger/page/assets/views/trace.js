/** Search by messageId: first in memory, then in the log, then in the last hour of Kafka, then in the archive. */
import { ask } from '../api.js'
import { Code, formatJson } from '../parts/code.js'
import { EventView, Routing } from '../parts/detail.js'
import { describePlace } from '../parts/format.js'
import { html, useEffect, useState } from '../lib.js'
import { CopyButton, Problem } from '../parts/parts.js'

const PLACES = { memory: 'Memory', log: 'Log on disk', kafka: 'Last hour of Kafka', archive: 'Archive' }

export function Trace({ messageId }) {
  const [found, setFound] = useState(undefined)
  const [problem, setProblem] = useState('')
  useEffect(() => {
    const controller = new AbortController()
    setFound(undefined)
    setProblem('')
    if (messageId === '') return undefined
    ask(`/api/trace/${encodeURIComponent(messageId.toWellFormed())}`, controller).then(
      setFound,
      error => !controller.signal.aborted && setProblem(error.message)
    )
    return () => controller.abort()
  }, [messageId])
  return html`<section class="page trace">
    <h1>Message id <code>${messageId}</code></h1>
    <${Problem} message=${problem} />
    ${messageId === '' && html`<p class="empty">Type a messageId above.</p>`}
    ${messageId !== '' && found === undefined && !problem && html`<p role="status" class="empty">Looking in memory, in the log, in Kafka and in the archive.</p>`}
    ${found && html`<${SearchAttempts} found=${found} />`}
    ${found?.events.map(event => html`<div class="card">${event.server && html`<p class="quiet">Taken by ${event.server}</p>`}<${EventView} event=${event} /></div>`)}
    ${found?.omitted > 0 && html`<p class="quiet">${found.omitted} more were found than fit here.</p>`}
    ${found?.records.map(record => html`<${Record} record=${record} />`)}
  </section>`
}

function SearchAttempts({ found }) {
  const isFound = found.events.length + found.records.length > 0
  return html`<div role="status">
    <ul class="looks">
      ${found.looks.map(
        ({ server, place, ms, found: count, complete, back, problem }) =>
          html`<li class=${count > 0 ? 'hit' : ''}>
            <b>${PLACES[place]}${server && ` of ${server}`}</b>${' '}
            ${problem ?? `${count === 0 ? 'nothing' : `${count} found`} in ${Math.round(ms)} ms${complete ? '' : `, and the time ran out${back ? ` at segments of ${back}` : ''}`}`}
          </li>`
      )}
      ${(found.servers ?? []).map(({ server, problem }) => problem && html`<li><b>${server}</b> ${problem}</li>`)}
    </ul>
    ${!isFound && html`<p class="empty">No event with this id is known here. If the client got a 200, it may be older than what is kept; if it got an error, see Rejections.</p>`}
  </div>`
}

function Record({ record }) {
  return html`<div class="card">
    <h2>${describePlace({ ...record.place, line: record.line })}${record.server && ` of ${record.server}`}</h2>
    <${Routing} routing=${record.routing} />
    <div class="copyable">
      <${CopyButton} text=${record.value} /><${Code} text=${formatJson(record.value)} label="Record" />
    </div>
  </div>`
}
