import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Writes the file that a command's user named, over one that is there. Folders that are missing on the way are made. */
export async function writeResult(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, text)
}
