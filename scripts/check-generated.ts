/**
 * Whether every committed file that is written by a program, in whole or in part, is what that program writes now.
 * Exits 1 when one is stale; the program says which and what to do.
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
