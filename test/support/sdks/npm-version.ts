import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const MODULES = join(import.meta.dirname, '..', '..', '..', 'node_modules')

/** The version of an installed npm package. */
export function npmVersion(name: string): string {
  const file = join(MODULES, name, 'package.json')
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
