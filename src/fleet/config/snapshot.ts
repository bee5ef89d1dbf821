import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ConfigVersion } from './version.ts'
import { readVersion } from './version.ts'

const FILE = 'fleet-config.json'

/** Reads the version that was last in force; undefined if there is none or it cannot be read. */
export async function readSnapshot(dataDir: string): Promise<ConfigVersion | undefined> {
  const bytes = await readFile(join(dataDir, FILE)).catch(() => undefined)
  if (bytes === undefined) return undefined
  const version = /^\{"version":([1-9][0-9]{0,14}),/.exec(bytes.subarray(0, 40).toString())?.[1]
  return version === undefined ? undefined : readVersion(bytes, Number(version))
}

/** Replaces the snapshot atomically. Rejects with the file system's error. */
export async function writeSnapshot(dataDir: string, { version, ...rest }: ConfigVersion): Promise<void> {
  await mkdir(dataDir, { recursive: true })
  const temporary = join(dataDir, `.${FILE}.${randomBytes(6).toString('hex')}.tmp`)
  await writeFile(temporary, JSON.stringify({ version, ...rest }), { mode: 0o600, flush: true })
  await rename(temporary, join(dataDir, FILE))
}
