/** The servers that share one configuration, and the version that each of them uses. */
import { ask } from '../api.js'
import { bytes } from '../parts/format.js'
import { html } from '../lib.js'
import { Problem, usePolling } from '../parts/parts.js'

export function Fleet() {
  const [data, problem] = usePolling(() => ask('/api/fleet'), 1000)
  return html`<section class="page fleet">
    <h1>Fleet</h1>
    <${Problem} message=${problem} />
    ${data && html`<${InForce} data=${data} /><${Members} data=${data} />`}
  </section>`
}

export function InForce({ data }) {
  const { newest, inForce, isHeard, fleet } = data
  if (!isHeard)
    return html`<p class="banner error" role="alert">
      <b>Kafka does not answer.</b> This server does not hear the others, and goes on with what it has.
    </p>`
  if (newest === null)
    return html`<p class="banner warning" role="status">The fleet ${fleet} has no configuration yet.</p>`
  const isWhole = inForce.have === inForce.live && inForce.others.length === 0
  return html`<p class="banner ${isWhole ? 'ok' : 'warning'}" role="status">
      <b>Version ${newest.version} is in force on ${inForce.have} of ${inForce.live} servers.</b>
      ${inForce.others.map(line => html` ${line}.`)}
    </p>
    <p class="quiet">
      ${newest.why}, by ${newest.by}, ${newest.at.slice(0, 19).replace('T', ' ')} UTC (${newest.hash})
    </p>`
}

function Members({ data }) {
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          <th>Server</th>
          <th>State</th>
          <th>Configuration</th>
          <th>Kafka</th>
          <th class="number">Waits for Kafka</th>
          <th>Software</th>
          <th>Since</th>
          <th>Admin URL</th>
        </tr>
      </thead>
      <tbody>
        ${data.members.map(member => html`<${Row} key=${member.instance} member=${member} isSelf=${member.name === data.self} />`)}
      </tbody>
    </table>
  </div>`
}

function Row({ member, isSelf }) {
  const { name, state, silentMs, config, isBehind, kafka, backlogBytes, version, startedAt, adminUrl } = member
  const isAway = state === 'away'
  return html`<tr>
    <td><b>${name}</b>${isSelf && ' (this one)'}</td>
    <td class=${isAway ? 'outcome rejected' : ''}>
      ${isAway ? `away since ${Math.round(silentMs / 1000)} s` : 'live'}
    </td>
    <td class=${isBehind ? 'outcome rejected' : ''}>
      ${config.version === 0 ? 'its own file' : `version ${config.version}`}${isBehind && ' (behind)'}${config.problem && html`<br />${config.problem}`}
    </td>
    <td class=${kafka.reached ? '' : 'outcome rejected'}>
      ${kafka.reached ? 'reached' : (kafka.problem ?? 'not reached')}
    </td>
    <td class="number">${bytes(backlogBytes)}</td>
    <td>${version}</td>
    <td>${new Date(startedAt).toISOString().slice(0, 19).replace('T', ' ')}</td>
    <td><a href=${adminUrl} rel="noreferrer">${adminUrl}</a></td>
  </tr>`
}
