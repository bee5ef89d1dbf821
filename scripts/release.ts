/**
 * The version of Tributary, in every file that says it. Needs no network; see docs/releases.md.
 *
 *   node scripts/release.ts minor     sets the next version (or major, or patch) and dates its section of the changelog
 *   node scripts/release.ts --check   exits 1 unless all files say the same version
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const STEPS = ['major', 'minor', 'patch']
const UNRELEASED = '## [Unreleased]'

/** In each pattern, the first group is kept, and the second is the version. */
const FILES: Readonly<Record<string, readonly RegExp[]>> = {
  'package.json': [/^( {2}"version": ")(\d+\.\d+\.\d+)/m],
  'package-lock.json': [/^( {2}"version": ")(\d+\.\d+\.\d+)/m, /("": \{\s+"name": "[^"]+",\s+"version": ")([^"]+)/],
  'asyncapi.yml': [/^( {2}version: )(\d+\.\d+\.\d+)/m],
  'CHANGELOG.md': [/^(## \[)(\d+\.\d+\.\d+)/m]
}

const pathOf = (file: string): string => join(import.meta.dirname, '..', file)

function versions(): (readonly [file: string, version: string])[] {
  return Object.entries(FILES).flatMap(([file, patterns]) => {
    const text = readFileSync(pathOf(file), 'utf8')
    return patterns.map(pattern => [file, pattern.exec(text)?.[2] ?? 'no version'] as const)
  })
}

function next(version: string, step: string): string {
  const numbers = version.split('.').map(Number)
  const at = STEPS.indexOf(step)
  return numbers.map((number, place) => (place < at ? number : place === at ? number + 1 : 0)).join('.')
}

function release(version: string): void {
  for (const [file, patterns] of Object.entries(FILES)) {
    if (file === 'CHANGELOG.md') continue
    const text = readFileSync(pathOf(file), 'utf8')
    writeFileSync(
      pathOf(file),
      patterns.reduce((changed, pattern) => changed.replace(pattern, `$1${version}`), text)
    )
  }
  const changelog = readFileSync(pathOf('CHANGELOG.md'), 'utf8')
  const heading = `## [${version}] - ${new Date().toISOString().slice(0, 10)}`
  writeFileSync(pathOf('CHANGELOG.md'), changelog.replace(UNRELEASED, `${UNRELEASED}\n\n${heading}`))
}

const [word = ''] = process.argv.slice(2)
const found = versions()
if (word === '--check') {
  const isOne = new Set(found.map(([, version]) => version)).size === 1
  if (!isOne) {
    for (const [file, version] of found) console.error(`${file}: ${version}`)
    process.exitCode = 1
  }
} else if (STEPS.includes(word)) {
  const version = next(found[0]?.[1] ?? '0.0.0', word)
  release(version)
  console.log(`${version}: commit this as "chore: release ${version}" and tag it v${version}`)
} else {
  console.error(`usage: node scripts/release.ts ${STEPS.join('|')}, or --check`)
  process.exitCode = 2
}
