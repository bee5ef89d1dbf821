import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')

/**
 * Builds servers/rust once.
 *
 * @returns the path of the program; undefined if cargo is missing or fails, after printing one line about it
 */
export function rustProgram(): string | undefined {
  const target = join(ROOT, '.cache', 'rust')
  const manifest = join(import.meta.dirname, 'servers', 'rust', 'Cargo.toml')
  const args = ['build', '--release', '--quiet', '--manifest-path', manifest, '--target-dir', target]
  const { error, status } = spawnSync('cargo', args, { stdio: ['ignore', 'inherit', 'inherit'] })
  if (error === undefined && status === 0) return join(target, 'release', 'rustref')
  const why = error === undefined ? 'cargo could not build it' : 'cargo is missing'
  process.stdout.write(`\nThe Rust reference has no row: ${why}.\n`)
  return undefined
}
