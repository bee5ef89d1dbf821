/**
 * docs/metrics.md, written from the one list of metrics in the code.
 *
 *   node scripts/metrics-reference.ts                           prints it
 *   node scripts/metrics-reference.ts --write docs/metrics.md   writes it
 *   node scripts/metrics-reference.ts --check docs/metrics.md   exits 1 unless the file is that, letter for letter
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { METRICS } from '../src/telemetry/metric-list.ts'

const INTRODUCTION = `# Metrics

Written by \`node scripts/metrics-reference.ts --write docs/metrics.md\`: change src/telemetry/metric-list.ts, not this file.

\`/metrics\` on the admin listener is open to whoever reaches that port. Labels come from the configuration and from closed
lists alone, never from what a client sends, so the number of series is bounded. Besides these there are the usual
\`process_*\` and \`nodejs_*\` metrics of the runtime, but for \`nodejs_gc_duration_seconds\`: watching for each collection
of garbage made garbage ([decisions/garbage.md](decisions/garbage.md)).

[docker/prometheus/rules.yml](../docker/prometheus/rules.yml) alerts on them,
[docker/grafana/dashboards/tributary.json](../docker/grafana/dashboards/tributary.json) draws them, and
[operations.md](operations.md) says what to do.
`

function reference(): string {
  const rows = Object.values(METRICS).map(metric => {
    const labels = metric.labels.map(label => `\`${label}\``).join(', ')
    return `| \`${metric.name}\` | ${metric.kind} | ${labels} | ${metric.help} |`
  })
  return [INTRODUCTION, '| metric | kind | labels | meaning |', '|---|---|---|---|', ...rows, ''].join('\n')
}

const { values } = parseArgs({ options: { check: { type: 'string' }, write: { type: 'string' } } })
if (values.write !== undefined) writeFileSync(values.write, reference())
else if (values.check === undefined) console.log(reference())
else if (readFileSync(values.check, 'utf8') !== reference()) {
  console.error(`${values.check} is out of date: node scripts/metrics-reference.ts --write ${values.check}`)
  process.exitCode = 1
}
