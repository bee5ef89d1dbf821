/** Accepted events with values that common readers of the log cannot read. */
import { ask } from '../api.js'
import { number } from './format.js'
import { html } from '../lib.js'
import { usePolling } from './parts.js'

/** Each request makes the server examine all events in memory. */
const INTERVAL_MS = 30_000

export function HardValueList() {
  const [data] = usePolling(() => ask('/api/hard-values'), INTERVAL_MS)
  if (data === undefined || data.values.length === 0) return null
  return html`<div>
    <h2>Accepted, but hard to read</h2>
    <p class="lead">
      Values that the contract allows and that stop or mislead common readers of the log, in the events in memory.
    </p>
    <article class="card group">
      <table class="samples">
        <tbody>
          ${data.values.map(
            ({ event, path, meaning, count }) =>
              html`<tr>
                <td>${number(count)}</td>
                <td>${event}</td>
                <td><code>${path}</code></td>
                <td>${meaning}</td>
              </tr>`
          )}
        </tbody>
      </table>
    </article>
  </div>`
}
