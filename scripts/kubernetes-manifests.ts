/**
 * `npm run manifests`: generates the files of deploy/kubernetes from the chart in deploy/helm, and copies the alert
 * rules into both. Needs helm (`go install helm.sh/helm/v3/cmd/helm@latest`). Without helm it renews only the alert
 * rules, and exits 1 if the chart has changed.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  digestLine,
  KUBERNETES,
  MANIFESTS,
  renderManifest,
  RULES_FILE,
  RULES_SOURCE,
  withRules
} from '../test/support/deploy/chart.ts'

const rules = readFileSync(RULES_SOURCE, 'utf8')
writeFileSync(RULES_FILE, rules)
for (const name of MANIFESTS) {
  const file = join(KUBERNETES, name)
  const text = await renderManifest(name)
  if (text !== undefined) writeFileSync(file, `${digestLine()}\n${text}`)
  else {
    const last = readFileSync(file, 'utf8')
    if (name === 'monitoring.yaml') writeFileSync(file, withRules(last, rules))
    if (last.startsWith(digestLine())) continue
    console.error(`${name}: the chart has changed; install helm: go install helm.sh/helm/v3/cmd/helm@latest`)
    process.exitCode = 1
  }
}
