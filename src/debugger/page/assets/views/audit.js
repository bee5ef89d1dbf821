/** The audit: who did what to the server, newest first. */
import { ask } from '../api.js'
import { html } from '../lib.js'
import { Empty, Problem, usePolling } from '../parts/parts.js'

export function Audit() {
  const [data, problem] = usePolling(() => ask('/api/audit'), 5000)
  return html`<section class="page audit">
    <h1>Audit</h1>
    <${Problem} message=${problem} />
    ${data && (data.entries.length === 0 ? html`<${Empty}>Nobody has done anything yet that is kept here.<//>` : html`<${Entries} entries=${data.entries} />`)}
    <p class="quiet">
      Logins, keys that were shown or changed, edits of the configuration, retries and replays. Older entries, and
      values that are cut here: <code>tributary audit --whole</code>
    </p>
  </section>`
}

function Entries({ entries }) {
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          <th>Time (UTC)</th>
          <th>Action</th>
          <th>Who</th>
          <th>From</th>
          <th>What</th>
        </tr>
      </thead>
      <tbody>
        ${entries.map(
          ({ at, action, who, from, what, changes = [] }) =>
            html`<tr>
              <td>${at.slice(0, 19).replace('T', ' ')}</td>
              <td>${action.replace('_', ' ')}</td>
              <td>${who}</td>
              <td>${from}</td>
              <td>${what}${changes.map(line => html`<br /><code>${line}</code>`)}</td>
            </tr>`
        )}
      </tbody>
    </table>
  </div>`
}
