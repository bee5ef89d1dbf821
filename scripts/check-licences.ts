/**
 * Checks that every production package, on any platform, has a licence that lets everybody run, change and distribute
 * it and requires at most a notice. Reads the lock file, so it needs no network.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const ALLOWED: ReadonlySet<string> = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'ISC',
  'MIT',
  // isbot's licence. It dedicates the work to the public domain and requires no notice. In countries without such a
  // dedication, it permits everything.
  'Unlicense'
])
const MIT_WORDS = /Permission is hereby granted, free of charge, to any person obtaining\s+a copy/

interface LockedPackage {
  readonly dev?: boolean
  readonly license?: string
}

const root = join(import.meta.dirname, '..')
const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
  packages: Record<string, LockedPackage>
}

/** The licence of a package; if it only names a file, the licence in that file. */
function licenceOf(path: string, { license = 'none' }: LockedPackage): string {
  const named = /^SEE LICENSE IN (\S+)$/.exec(license)?.[1]
  const file = join(root, path, named ?? '')
  if (named === undefined || !existsSync(file)) return license
  return MIT_WORDS.test(readFileSync(file, 'utf8')) ? 'MIT' : license
}

const production = Object.entries(lock.packages).filter(([path, { dev }]) => path !== '' && dev !== true)
const complaints = production
  .map(([path, locked]) => [path, licenceOf(path, locked)] as const)
  .filter(([, licence]) => !ALLOWED.has(licence))

for (const [path, licence] of complaints) console.error(`${path}: the licence is ${licence}`)
if (complaints.length > 0) process.exitCode = 1
