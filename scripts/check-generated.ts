/**
 * Checks that every committed file that a program writes, in whole or in part, is up to date. Exits 1 if one is not;
 * the program then names it and the command to run.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const CHECKS = [
  ['config-table.ts', '--check', 'README.md'],
  ['metrics-reference.ts', '--check', 'docs/metrics.md'],
  ['walk-code.ts', '--check', 'src/ingest/parse/walk-code.ts']
] as const

for (const [program, ...args] of CHECKS) {
  const { status } = spawnSync(process.execPath, [join(import.meta.dirname, program), ...args], { stdio: 'inherit' })
  if (status !== 0) process.exitCode = 1
}
