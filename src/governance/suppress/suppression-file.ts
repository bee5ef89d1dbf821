import { withEditLock } from '../../keys/edit/edit-lock.ts'
import { readObservation } from '../../keys/read-file.ts'
import { createFile, replaceFile } from '../../keys/edit/write-file.ts'
import { withExplainedErrors } from '../../keys/edit/write-trouble.ts'
import { ConfigError } from '../../model/config-error.ts'
import { MAX_TRIBUTARY_FILE_BYTES } from '../../model/tributary-file.ts'
import { digestOf, normalEntry, parseEntries } from './entries.ts'

/** The default name; the file is beside tributary.yml. */
export const DEFAULT_SUPPRESSION_FILE = 'suppressed.txt'

const NEW_FILE = `# Users whose events are not kept: an id, or sha256: and the SHA-256 of one, a line. In force within 2 s of a change.
`

/** How many of the ids were new to the file, or were removed from it. */
export interface Edited {
  readonly changed: number
  /** The number of entries in the file now. */
  readonly entries: number
}

/**
 * Adds the digests of ids to a suppression file. Creates the file if there is none. Keeps ids that it has already.
 * Rejects with ConfigError if the file cannot be used or written.
 */
export async function addToFile(file: string, ids: readonly string[]): Promise<Edited> {
  return edit(file, (lines, entries) => {
    const known = new Set(entries)
    const added = [...new Set(ids)].filter(id => !known.has(id) && !known.has(digestOf(id)))
    return { lines: [...lines, ...added.map(digestOf)], changed: added.length, entries: entries.length + added.length }
  })
}

/** Removes ids from a suppression file, as plain text and as digests. Rejects as addToFile() does. */
export async function removeFromFile(file: string, ids: readonly string[]): Promise<Edited> {
  const gone = new Set(ids.flatMap(id => [normalEntry(id), digestOf(id)]))
  return edit(file, (lines, entries) => {
    const kept = lines.filter(line => !gone.has(normalEntry(line)))
    const changed = lines.length - kept.length
    return { lines: kept, changed, entries: entries.length - changed }
  })
}

interface Next extends Edited {
  readonly lines: readonly string[]
}

async function edit(
  file: string,
  make: (lines: readonly string[], entries: readonly string[]) => Next
): Promise<Edited> {
  return withExplainedErrors(file, () =>
    withEditLock(file, async () => {
      const seen = await readObservation(file)
      const isMissing = seen.problem?.endsWith('no such file') === true
      if (seen.text === undefined && !isMissing) throw new ConfigError([seen.problem ?? file])
      const text = seen.text ?? NEW_FILE
      const lines = text.replace(/\r?\n$/, '').split(/\r?\n/)
      const next = make(lines, parseEntries(text, file))
      const { changed, entries } = next
      if (changed === 0) return { changed, entries }
      const written = `${next.lines.join('\n')}\n`
      if (Buffer.byteLength(written) > MAX_TRIBUTARY_FILE_BYTES) {
        throw new ConfigError([`${file}: it would be larger than ${MAX_TRIBUTARY_FILE_BYTES} bytes`])
      }
      if (!isMissing) await replaceFile(file, written, async () => (await readObservation(file)).id === seen.id)
      else if (!(await createFile(file, written)))
        throw new ConfigError([`${file}: somebody else has made it meanwhile; try again`])
      return { changed, entries }
    })
  )
}
