import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { EachId } from './journal.ts'
import { ENTRY_BYTES } from './journal.ts'
import { isSameSeed, journalNames, seedOf } from './seed-folder.ts'
import type { Seed } from './seed-folder.ts'

interface Cursor {
  readonly words: DataView
  readonly end: number
  at: number
}

/** The folders of other processes with the same seed, and the names of their journals. Unreadable folders are left out. */
export async function readableJournals({ seed, others }: { readonly seed: Seed; readonly others: readonly string[] }) {
  const readable: string[] = []
  const names: string[] = []
  for (const other of others) {
    const theirs = await seedOf(other).catch(() => 'unusable' as const)
    if (typeof theirs === 'string' || !isSameSeed(theirs, seed)) continue
    readable.push(other)
    names.push(...(await journalNames(other).catch(() => [])))
  }
  return { others: readable, names }
}

/**
 * Restores the ids of one journal from several folders in the order of their times, so that the window evicts the oldest
 * id first, whichever process kept it. Another process may write its journal meanwhile; a missed id can cause a duplicate.
 */
export async function restoreJournals(dirs: readonly string[], name: string, restore: EachId): Promise<void> {
  const cursors: Cursor[] = []
  for (const dir of dirs)
    for (const file of [`${name}.old.ids`, `${name}.ids`]) cursors.push(await open(join(dir, file)))
  for (;;) {
    let first: Cursor | undefined
    for (const cursor of cursors) {
      if (cursor.at < cursor.end && (first === undefined || timeOf(cursor) < timeOf(first))) first = cursor
    }
    if (first === undefined) return
    const { words, at } = first
    restore(words.getInt32(at, true), words.getInt32(at + 4, true), timeOf(first))
    first.at += ENTRY_BYTES
  }
}

async function open(file: string): Promise<Cursor> {
  const bytes = await readFile(file).catch(() => Buffer.alloc(0))
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return { words, end: bytes.length - (bytes.length % ENTRY_BYTES), at: 0 }
}

function timeOf({ words, at }: Cursor): number {
  return words.getUint32(at + 8, true)
}
