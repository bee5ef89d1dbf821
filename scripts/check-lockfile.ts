/**
 * Whether package-lock.json is whole: npm sometimes leaves out the optional packages of other platforms, and then
 * `npm ci` fails there, or with a newer npm. Nor may it name a registry: whoever installs chooses their own.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

interface LockedPackage {
  readonly version?: string
  readonly integrity?: string
  readonly resolved?: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const file = join(import.meta.dirname, '..', 'package-lock.json')
const { packages } = JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, LockedPackage> }

/** Whether a package that lies in folder `from` finds `name` there or in a folder above, as Node does. */
function isLocked(from: string, name: string): boolean {
  for (let folder = from; ; folder = folder.replace(/(^|\/)node_modules\/(@[^/]+\/)?[^/]+$/, '')) {
    if (`${folder}${folder === '' ? '' : '/'}node_modules/${name}` in packages) return true
    if (folder === '') return false
  }
}

const complaints = Object.entries(packages).flatMap(([path, locked]) => {
  const wanted = Object.keys({ ...locked.dependencies, ...locked.optionalDependencies })
  return [
    ...wanted
      .filter(name => !isLocked(path, name))
      .map(name => `${path || 'package.json'} needs ${name}, which is not locked`),
    ...(path !== '' && (locked.version === undefined || locked.integrity === undefined)
      ? [`${path} is locked without its version or its checksum`]
      : []),
    ...(locked.resolved === undefined ? [] : [`${path} names the registry it came from`])
  ]
})

for (const complaint of complaints) console.error(`package-lock.json: ${complaint}`)
if (complaints.length > 0) process.exitCode = 1
