/** Plots of the last hour, and the current problems. */
import { ask, queryString } from '../api.js'
import { bytes, number, rate } from '../parts/format.js'
import { html, useMemo, useRef } from '../lib.js'
import { Empty, OUTCOMES, Problem, usePolling } from '../parts/parts.js'
import { Plot } from '../parts/plot.js'
import { PAGES } from '../parts/route.js'

const HOUR_MS = 60 * 60 * 1000
const MAX_SOURCES = 8
/** The same share as in the alert. */
const NEARLY_FULL = 0.05

/** Loads new points and keeps an hour of them. */
function useOverview() {
  const points = useRef([])
  return usePolling(async () => {
    let since = points.current.at(-1)?.at
    let latest
    const more = []
    do {
      latest = await ask(`/api/overview${queryString({ since })}`)
      more.push(...latest.points)
      since = latest.next
    } while (since !== null)
    const oldest = Date.now() - HOUR_MS
    points.current = [...points.current, ...more].filter(({ at }) => at > oldest)
    return { ...latest, points: points.current }
  }, 2000)
}

export function Overview() {
  const [data, problem] = useOverview()
  return html`<section class="page overview">
    <h1>Overview</h1>
    <${Problem} message=${problem} />
    ${
      data &&
      html`<${Advice} advice=${data.advice} /><${Tiles} data=${data} /><${Plots} points=${data.points} />
        <p class="quiet">
          ${`Tributary ${data.version}. Events go to ${data.destination}. The debugger keeps `}
          ${`${number(data.memory.events)} events in ${bytes(data.memory.bytes)}.`}
          ${data.state.disk?.forecast ? ` The disk is ${data.state.disk.forecast}.` : ''}
        </p>`
    }
  </section>`
}

export function Advice({ advice }) {
  if (advice.length === 0)
    return html`<p class="banner ok" role="status"><b>All is well.</b> Events are accepted and made durable.</p>`
  return advice.map(
    ({ level, says, todo, page }) =>
      html`<p class="banner ${level}" role=${level === 'error' ? 'alert' : 'status'}>
        <b>${says}.</b> ${todo} ${page && html`<a href=${`#/${page}`}>Open ${PAGES[page.split('?')[0]]}</a>`}
      </p>`
  )
}

function Tiles({ data }) {
  const { points, state } = data
  const latest = points.slice(-5)
  const seconds = latest.reduce((sum, point) => sum + point.seconds, 0) || 1
  const total = names =>
    latest.reduce((sum, { outcomes }) => sum + names.reduce((all, name) => all + outcomes[name], 0), 0)
  const publish = points.findLast(({ publishMs }) => publishMs !== null)?.publishMs
  const bad = total(['rejected', 'rate_limited', 'failed'])
  return html`<dl class="tiles">
    <${Tile} name="Events a second" value=${rate(total(OUTCOMES) / seconds)} />
    <${Tile} name="Not taken a second" value=${rate(bad / seconds)} tone=${bad > 0 ? 'warn' : ''} />
    <${Tile} name="Publish latency, p99" value=${publish ? `${publish.p99.toFixed(1)} ms` : '–'} />
    <${Tile}
      name="Waiting for Kafka"
      value=${state.backlog ? bytes(state.backlog.bytes) : 'no Kafka'}
      tone=${state.backlog?.bytes > 0 ? 'warn' : ''}
    />
    ${state.disk && html`<${Tile} name="Disk free" value=${bytes(state.disk.freeBytes)} tone=${state.disk.freeBytes < state.disk.sizeBytes * NEARLY_FULL ? 'bad' : ''} />`}
    ${state.archive && html`<${Tile} name="Archive" value=${archiveText(state.archive)} tone=${state.archive.growing && state.archive.lost === 0 ? '' : 'warn'} />`}
    <${Tile} name="Dedupe window" value=${`${((100 * state.dedupe.ids) / state.dedupe.maxIds).toFixed(1)} %`} />
    <${Tile}
      name="State"
      value=${state.ready ? (state.problems.length > 0 ? 'degraded' : 'ready') : 'not ready'}
      tone=${state.ready ? (state.problems.length > 0 ? 'warn' : 'good') : 'bad'}
    />
  </dl>`
}

/** Its size while it keeps up. */
function archiveText({ bytes: size, behind, growing }) {
  if (!growing) return 'stopped'
  return behind > 0 ? `${number(behind)} to read` : bytes(size)
}

function Tile({ name, value, tone = '' }) {
  return html`<div class="tile ${tone}">
    <dt>${name}</dt>
    <dd>${value}</dd>
  </div>`
}

function Plots({ points }) {
  const sources = useMemo(() => busiest(points), [points.length])
  if (points.length < 2) return html`<${Empty}>The first points come within seconds.<//>`
  const times = points.map(({ at }) => at / 1000)
  const series = pick => points.map(pick)
  return html`<div class="plots">
    <${Plot}
      title="Events a second by outcome"
      times=${times}
      format=${rate}
      series=${OUTCOMES.map(name => ({ name: name.replace('_', ' '), color: name, values: series(({ outcomes, seconds }) => outcomes[name] / seconds) }))}
    />
    <${Plot}
      title="Events a second by source"
      times=${times}
      format=${rate}
      series=${sources.map((name, index) => ({ name, color: `series-${index}`, values: series(({ sources: all, seconds }) => (all[name] ?? 0) / seconds) }))}
    />
    <${Plot}
      title="Publish latency"
      times=${times}
      format=${value => `${rate(value)} ms`}
      series=${[
        { name: 'p50', color: 'series-0', values: series(({ publishMs }) => publishMs?.p50 ?? null) },
        { name: 'p99', color: 'series-1', values: series(({ publishMs }) => publishMs?.p99 ?? null) }
      ]}
    />
    ${points.at(-1).backlogBytes !== null && html`<${Plot} title="Waiting for Kafka" minTop=${1024} times=${times} format=${bytes} series=${[{ name: 'bytes on disk', color: 'series-2', values: series(({ backlogBytes }) => backlogBytes ?? 0) }]} />`}
    <${Plot}
      title="Dedupe window"
      minTop=${10}
      times=${times}
      format=${rate}
      series=${[{ name: 'ids remembered', color: 'series-3', values: series(({ dedupeIds }) => dedupeIds) }]}
    />
    <${Plot}
      title="Requests refused a second"
      times=${times}
      format=${rate}
      series=${[{ name: 'no key, not JSON, ...', color: 'rejected', values: series(({ refusedRequests, seconds }) => refusedRequests / seconds) }]}
    />
  </div>`
}

function busiest(points) {
  const totals = new Map()
  for (const { sources } of points)
    for (const [name, count] of Object.entries(sources)) totals.set(name, (totals.get(name) ?? 0) + count)
  return [...totals]
    .sort((a, b) => b[1] - a[1])
    .slice(0, MAX_SOURCES)
    .map(([name]) => name)
}
