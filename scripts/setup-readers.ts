/**
 * Prepares `npm run test:readers`: every reader that docs/reading.md names, with Python packages of about 1.6 GB in
 * .cache/readers, and PostgreSQL. Installs what is missing if that is possible. Otherwise prints one line with what to
 * install, and exits 1.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jdbcSinkJars } from '../test/support/kafka-connect.ts'
import { flinkJars } from '../test/support/reading/flink.ts'

const VENV = join(import.meta.dirname, '..', '.cache', 'readers')
const PACKAGES = ['chdb==4.4.0', 'polars==2.1.0', 'pandas==3.1.1', 'pyarrow==26.0.1', 'pyspark==4.2.0']
const MARKER = join(VENV, `${PACKAGES.join('+')}.installed`)

const run = (program: string, ...args: string[]): void => void execFileSync(program, args, { stdio: 'inherit' })

if (!existsSync(MARKER)) {
  console.log(`the readers need ${PACKAGES.join(', ')}: installing them in .cache/readers`)
  run('python3', '-m', 'venv', '--clear', VENV)
  run(join(VENV, 'bin', 'python'), '-m', 'pip', 'install', '--quiet', ...PACKAGES)
  writeFileSync(MARKER, '')
}
if (!existsSync('/usr/lib/postgresql')) {
  const install = ['install', '-y', '-qq', '--no-install-recommends', 'postgresql']
  console.log(`the readers need PostgreSQL: apt-get ${install.join(' ')}`)
  run('apt-get', ...install)
}
await jdbcSinkJars()
await flinkJars()
