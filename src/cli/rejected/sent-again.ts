import { existsSync } from 'node:fs'
import { appendFile, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { recordDigest } from './record-digest.ts'

/** The file of DATA_DIR with the digests of rejected records that were sent again, one a line. It has no other data of them. */
export const SENT_AGAIN_FILE = 'sent-again.txt'
/** About half a million records. A larger file loses its older half; those records count as not sent again. */
const MAX_BYTES = 16 * 1024 * 1024

/** How a rejected record is noted. An event that was extracted from a body is noted as its body. */
export function noteOf({ json, bodyJson }: { readonly json: string; readonly bodyJson?: string }): string {
  return recordDigest(bodyJson ?? json)
}

/** The noted records of a data folder; none if there is no such folder on this machine. */
export async function readSentAgain(dataDir: string): Promise<ReadonlySet<string>> {
  const text = await readFile(join(dataDir, SENT_AGAIN_FILE), 'latin1').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  return new Set(text.split('\n'))
}

/** Adds notes of records. Returns false, and notes nothing, if there is no data folder on this machine. */
export async function noteSentAgain(dataDir: string, notes: readonly string[]): Promise<boolean> {
  if (!existsSync(dataDir)) return false
  if (notes.length === 0) return true
  const file = join(dataDir, SENT_AGAIN_FILE)
  await appendFile(file, `${notes.join('\n')}\n`, { mode: 0o600 })
  if ((await stat(file)).size > MAX_BYTES) {
    const lines = (await readFile(file, 'latin1')).split('\n')
    await writeFile(`${file}.new`, lines.slice(lines.length / 2).join('\n'), { mode: 0o600 })
    await rename(`${file}.new`, file)
  }
  return true
}
