import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { post, startApp } from '../support/app.ts'

const DOCKER = join(import.meta.dirname, '..', '..', 'docker')
const PROMETHEUS = join(DOCKER, 'prometheus')
/** Made by Prometheus itself. */
const BUILT_IN = new Set(['up'])

const read = (...path: string[]): string => readFileSync(join(DOCKER, ...path), 'utf8')

/** Every metric that a text of PromQL names. */
function metricsIn(text: string): string[] {
  return [...text.matchAll(/\b(?:tributary|process|nodejs)_[a-z0-9_]+\b|\bup\b/g)].map(([name]) => name)
}

function promtool(...args: string[]): string {
  return promtoolOn(undefined, ...args)
}

function promtoolOn(input: string | undefined, ...args: string[]): string {
  try {
    return execFileSync('promtool', args, { cwd: PROMETHEUS, encoding: 'utf8', stdio: 'pipe', input })
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string }
    throw new Error(`promtool ${args.join(' ')}: ${stdout}${stderr}`, { cause: error })
  }
}

t.test('Prometheus accepts its configuration, and every alert fires when it should', async t => {
  t.match(promtool('check', 'config', 'prometheus.yml'), 'SUCCESS')
  t.match(promtool('test', 'rules', 'rules.test.yml'), 'SUCCESS')
  const alerts = [...read('prometheus', 'rules.yml').matchAll(/alert: (\w+)/g)].map(([, name]) => name)
  const tested = read('prometheus', 'rules.test.yml')
  for (const alert of alerts)
    t.match(tested, `alertname: ${alert}\n        exp_alerts:\n`, `the alert ${alert} is tested`)
})

t.test('Each alert links to its own line in the table of docs/operations.md', t => {
  const page = read('..', 'docs', 'operations.md')
  const alerts = read('prometheus', 'rules.yml')
    .split(/^ +- alert: /m)
    .slice(1)
  t.ok(alerts.length > 10)
  for (const text of alerts) {
    const alert = /^\w+/.exec(text)?.[0] ?? ''
    const [, anchor = 'none'] = /^ +runbook_url: docs\/operations\.md#(\S+)$/m.exec(text) ?? []
    t.match(page, `\n| <a id="${anchor}"></a>\`${alert}\` |`, `${alert} leads to its line`)
  }
  t.end()
})

t.test('Every metric of the dashboard and of the rules exists in the server', async t => {
  const server = await startApp(t, { sink: 'configured' })
  await post(`${server.url}/v1/track`, { userId: 'u', event: 'E' })
  const text = await (await fetch(`${server.adminUrl}/metrics`)).text()
  const known = new Set([...text.matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name))
  const dashboard = JSON.parse(read('grafana', 'dashboards', 'tributary.json')) as {
    panels: { title: string; type: string; targets?: { expr: string }[] }[]
  }
  const panels = dashboard.panels.filter(({ type }) => type !== 'row' && type !== 'text')
  t.ok(panels.length > 20)
  for (const { title, targets = [] } of panels) {
    const names = targets.flatMap(({ expr }) => metricsIn(expr))
    t.ok(names.length > 0 && names.every(isKnown), `${title} uses known metrics: ${names.join(', ')}`)
  }
  const expressions = [...read('prometheus', 'rules.yml').matchAll(/expr: (>\n(?: {10}.*\n)+|.*\n)/g)].map(
    ([, expr]) => expr
  )
  for (const name of expressions.flatMap(expr => metricsIn(expr ?? ''))) t.ok(isKnown(name), name)

  function isKnown(name: string): boolean {
    return BUILT_IN.has(name) || known.has(name) || known.has(name.replace(/_(bucket|count|sum)$/, ''))
  }
})

t.test('Prometheus accepts the names and the help of the metrics without a complaint', async t => {
  const server = await startApp(t, { sink: 'configured' })
  await post(`${server.url}/v1/track`, { userId: 'u', event: 'E' })
  const text = await (await fetch(`${server.adminUrl}/metrics`)).text()
  const own = text.split('\n').filter(line => /^(?:# (?:HELP|TYPE) )?tributary_/.test(line))
  t.ok(own.length > 50)
  t.equal(promtoolOn(`${own.join('\n')}\n`, 'check', 'metrics'), '')
})

interface Dashboard {
  readonly templating: { readonly list: readonly { readonly name: string; readonly type: string }[] }
  readonly panels: readonly {
    readonly id: number
    readonly type: string
    readonly title: string
    readonly description?: string
    readonly datasource?: { readonly uid: string }
    readonly links?: readonly { readonly url: string }[]
    readonly options?: { readonly content?: string }
    readonly fieldConfig?: { readonly defaults: object }
    readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[]
  }[]
}

t.test('The dashboard shows each alert with its threshold and the action, for any data source and job', async t => {
  const { panels, templating } = JSON.parse(read('grafana', 'dashboards', 'tributary.json')) as Dashboard
  const variables = Object.fromEntries(templating.list.map(({ name, type }) => [name, type]))
  t.same(variables, { datasource: 'datasource', job: 'query', instance: 'query', source: 'query' })
  const runbook = panels.find(({ type }) => type === 'text')
  const table = /^\| alert \|.*\n(?:\|.*\n)+/m.exec(read('..', 'docs', 'operations.md'))?.[0]
  const withoutAnchors = table?.replaceAll(/<a id="\w+"><\/a>/g, '')
  t.equal(runbook?.options?.content, withoutAnchors, 'the runbook is that of docs/operations.md')
  for (const { title, datasource, targets = [] } of panels) {
    if (datasource !== undefined) t.equal(datasource.uid, '${datasource}', title)
    for (const { expr } of targets) t.match(expr, /job=~"\$job"/, title)
  }
  for (const [, alert = ''] of read('prometheus', 'rules.yml').matchAll(/alert: (\w+)/g)) {
    const shown = panels.filter(({ description = '' }) => new RegExp(`\\b${alert}\\b`).test(description))
    t.ok(shown.length > 0, `the alert ${alert} is on the dashboard`)
    for (const { title, links = [], fieldConfig, targets = [] } of shown) {
      t.equal(links[0]?.url, `/d/tributary/tributary?viewPanel=panel-${runbook?.id}`, title)
      const isDrawn = targets.length > 1
      t.ok('thresholds' in (fieldConfig?.defaults ?? {}) || isDrawn, `${title} shows the threshold of ${alert}`)
    }
    t.match(runbook?.options?.content, `\`${alert}\``)
  }
})

t.test('Prometheus can parse every expression of the dashboard', async t => {
  const dashboard = read('grafana', 'dashboards', 'tributary.json')
  const expressions = [...dashboard.matchAll(/"expr": ("(?:[^"\\]|\\.)*")/g)].map(
    ([, text]) => JSON.parse(text ?? '') as string
  )
  const rules = expressions.map((expr, index) => ({
    record: `panel:${index}`,
    expr: expr.replaceAll('$__rate_interval', '1m').replaceAll(/\$(job|instance|source)\b/g, '.*')
  }))
  const file = join(
    t.testdir({ 'rules.json': JSON.stringify({ groups: [{ name: 'dashboard', rules }] }) }),
    'rules.json'
  )
  t.match(promtool('check', 'rules', file), `SUCCESS: ${expressions.length} rules found`)
})
