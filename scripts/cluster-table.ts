/**
 * `npm run test:clusters`: runs the tests of test/clusters with several versions of Kafka, one after the other, and
 * prints a Markdown table for docs/kafka.md. Versions as arguments replace the default ones. Exits 1 if any test fails.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'

const VERSIONS = ['3.9.1', '4.1.0', '4.4.0']
const FOLDER = 'test/clusters'
const TIMEOUT_SECONDS = '600'

const given = process.argv.slice(2)
const versions = given.length > 0 ? given : VERSIONS
const results = new Map<string, Map<string, boolean>>()

for (const version of versions) {
  for (const file of readdirSync(FOLDER).filter(name => name.endsWith('.test.ts'))) {
    const env = { ...process.env, KAFKA_VERSION: version, TAP_TIMEOUT: TIMEOUT_SECONDS }
    const { stdout, stderr, status } = spawnSync(process.execPath, [`${FOLDER}/${file}`], { env, encoding: 'utf8' })
    for (const [, not, name] of stdout.matchAll(/^(not )?ok \d+ - (.*?)(?: # time=.*)?$/gm))
      note(file, name ?? '', not === undefined)
    if (status !== 0) note(file, 'the file as a whole', false)
    if (status !== 0) console.error(`${version} ${file}\n${stdout.slice(-4_000)}\n${stderr.slice(-2_000)}`)

    function note(from: string, name: string, isGood: boolean): void {
      const key = `${from.replace('.test.ts', '')} | ${name.replaceAll('|', '\\|')}`
      results.set(key, (results.get(key) ?? new Map<string, boolean>()).set(version, isGood))
    }
  }
}

console.log(`| file | test | ${versions.join(' | ')} |\n|---|---|${versions.map(() => '---|').join('')}`)
for (const [name, found] of results) {
  const cells = versions.map(version => (found.has(version) ? (found.get(version) === true ? 'yes' : '**no**') : '-'))
  console.log(`| ${name} | ${cells.join(' | ')} |`)
}
if ([...results.values()].some(found => [...found.values()].includes(false))) process.exitCode = 1
