import { isUtf8 } from 'node:buffer'
import { hash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { MAX_TRIBUTARY_FILE_BYTES } from '../model/tributary-file.ts'

/** The content of a file at one moment, or the reason why it could not be read. */
export interface Observation {
  /** Equal for two observations of the same content or of the same problem. */
  readonly id: string
  readonly text?: string
  readonly problem?: string
}

/** Reads a file. Never rejects. Reads only regular files, because opening a pipe would wait for its writer. */
export async function readObservation(file: string): Promise<Observation> {
  try {
    const about = await stat(file)
    if (!about.isFile()) return unreadable(file, 'not a file')
    if (about.size > MAX_TRIBUTARY_FILE_BYTES) return unreadable(file, `larger than ${MAX_TRIBUTARY_FILE_BYTES} bytes`)
    const bytes = await readFile(file)
    if (!isUtf8(bytes)) return unreadable(file, 'not UTF-8')
    return { id: hash('sha256', bytes), text: bytes.toString('utf8') }
  } catch (error) {
    return unreadable(file, reason(error))
  }
}

function unreadable(file: string, why: string): Observation {
  return { id: `!${why}`, problem: `${file}: ${why}` }
}

function reason(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOENT') return 'no such file'
  if (code === 'EACCES' || code === 'EPERM') return `not allowed to read it (${code})`
  return `cannot be read (${code ?? String(error)})`
}
