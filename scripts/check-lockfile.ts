/**
 * Checks that package-lock.json is complete: npm sometimes leaves out the optional packages of other platforms, and
 * `npm ci` then fails on them, or with a newer npm. Checks that it names no registry, because users choose their own.
 * Checks that no package runs a script during the installation, unless `allowScripts` of package.json names it.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

interface LockedPackage {
  readonly version?: string
  readonly integrity?: string
  readonly resolved?: string
  readonly hasInstallScript?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const ROOT = join(import.meta.dirname, '..')
const readJson = (name: string): unknown => JSON.parse(readFileSync(join(ROOT, name), 'utf8'))
const { packages } = readJson('package-lock.json') as { packages: Record<string, LockedPackage> }
const { allowScripts } = readJson('package.json') as { allowScripts: Readonly<Record<string, boolean>> }

/** Whether a package in folder `from` finds `name` there or in a parent folder, as Node does. */
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
    ...(locked.resolved === undefined ? [] : [`${path} names the registry it came from`]),
    ...(locked.hasInstallScript === true && !(path.replace(/^.*node_modules\//, '') in allowScripts)
      ? [`${path} runs a script when it is installed, and package.json's allowScripts does not name it`]
      : [])
  ]
})

for (const complaint of complaints) console.error(`package-lock.json: ${complaint}`)
if (complaints.length > 0) process.exitCode = 1
