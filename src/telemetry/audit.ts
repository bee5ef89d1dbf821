import {
  appendFileSync,
  chownSync,
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readSync,
  renameSync,
  statSync
} from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Audit, AuditEntry } from '../model/operations/audit.ts'

/** One JSON entry per line. When this file is full, it replaces the older one. */
const FILE = 'audit.jsonl'
const OLDER_FILE = 'audit.1.jsonl'
const MAX_FILE_BYTES = 8 * 1024 ** 2
const FILE_MODE = 0o600
/** The bytes at the end of the audit that the page shows. One entry fits in, whatever its characters are. */
const RECENT_BYTES = 1024 ** 2
const MAX_CHANGES = 100
const MAX_CHARS = 500
/** The characters of an entry's whole lines together. */
const MAX_WHOLE_CHARS = 128 * 1024

export interface AuditOptions {
  readonly dataDir: string
  readonly now: () => number
  /** Undefined: entries are written only to the file. */
  readonly log?: { info(fields: object, message: string): void; warn(fields: object, message: string): void }
}

/** Creates the audit, which writes entries to the log (with `audit: true`) and to DATA_DIR/audit.jsonl. */
export function createAudit({ dataDir, now, log }: AuditOptions): Audit {
  return (action, { who, from, what, changes = [], whole = changes }) => {
    const short = shortLines(changes)
    const fields = {
      action,
      who: shortened(who),
      from: shortened(from),
      what: shortened(what),
      ...(short.length === 0 ? {} : { changes: short })
    }
    log?.info({ audit: true, ...fields }, `audit: ${fields.what}`)
    const isCut = !isDeepStrictEqual(short, whole)
    const entry: AuditEntry = {
      at: new Date(now()).toISOString(),
      ...fields,
      ...(isCut ? { whole: boundedLines(whole) } : {})
    }
    try {
      append(join(dataDir, FILE), `${JSON.stringify(entry)}\n`)
    } catch (error) {
      log?.warn({ problem: (error as Error).message }, 'the audit file could not be written; the log has the entry')
    }
  }
}

/** Reads all entries, oldest first. Lines that are no entry are skipped. */
export async function readAudit(dataDir: string): Promise<AuditEntry[]> {
  const texts = await Promise.all([OLDER_FILE, FILE].map(name => readFile(join(dataDir, name), 'utf8').catch(() => '')))
  return texts.flatMap(entriesOf)
}

/** Reads the newest entries in the last MiB, oldest first, without their whole lines. */
export function recentAudit(dataDir: string): AuditEntry[] {
  const path = join(dataDir, FILE)
  if (!existsSync(path)) return []
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    const bytes = Buffer.alloc(Math.min(size, RECENT_BYTES))
    readSync(file, bytes, 0, bytes.length, size - bytes.length)
    return entriesOf(bytes.toString()).map(({ whole: _whole, ...entry }) => entry)
  } finally {
    closeSync(file)
  }
}

function append(path: string, line: string): void {
  const isNew = !existsSync(path)
  if (!isNew && statSync(path).size + line.length > MAX_FILE_BYTES) renameSync(path, join(dirname(path), OLDER_FILE))
  appendFileSync(path, line, { mode: FILE_MODE })
  // A file that a command of root creates must stay writable for the server.
  if (process.getuid?.() !== 0) return
  const { uid, gid } = statSync(dirname(path))
  chownSync(path, uid, gid)
}

function entriesOf(text: string): AuditEntry[] {
  return text.split('\n').flatMap(line => {
    try {
      const entry = JSON.parse(line) as Partial<AuditEntry> | null
      return typeof entry?.action === 'string' && typeof entry.at === 'string' ? [entry as AuditEntry] : []
    } catch {
      return []
    }
  })
}

function shortLines(lines: readonly string[]): string[] {
  const more = lines.length - MAX_CHANGES
  return [...lines.slice(0, MAX_CHANGES).map(shortened), ...(more > 0 ? [`… and ${more} more`] : [])]
}

/** The lines as far as they fit into MAX_WHOLE_CHARS. The last one says how many characters are left out. */
function boundedLines(lines: readonly string[]): string[] {
  const bounded: string[] = []
  let left = MAX_WHOLE_CHARS
  let omitted = 0
  for (const line of lines) {
    const part = line.slice(0, left).toWellFormed()
    if (part !== '') bounded.push(part)
    left -= part.length
    omitted += line.length - part.length
  }
  return omitted === 0 ? bounded : [...bounded, `… and ${omitted} more characters, which are not kept`]
}

function shortened(text: string): string {
  return text.length > MAX_CHARS ? `${text.slice(0, MAX_CHARS)}…`.toWellFormed() : text
}
