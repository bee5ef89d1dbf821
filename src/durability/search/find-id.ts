import { escapedId } from '../../model/record.ts'
import { LINE_FEED } from '../log/segment/lines.ts'
import type { Search } from './search.ts'

/** The most records that one search finds in a place. */
export const MAX_RECORDS = 20

/** A member messageId, and what stands between the quotes of its value. */
const ID_MEMBER = /"messageId"[\t\n\r ]*:[\t\n\r ]*"([^"\\\n]*(?:\\.[^"\\\n]*)*)"/g

interface FoundLine {
  readonly position: number
  /** JSON, without the line feed. */
  readonly value: string
}

/**
 * The records of an id in bytes that are whole lines, with the positions of their lines in these bytes. Parses only lines
 * that have the id, whichever of its characters are escaped.
 */
export async function searchLines(bytes: Buffer, { messageId, signal, background }: Search): Promise<FoundLine[]> {
  const found: FoundLine[] = []
  const wanted = Buffer.from(messageId).toString('latin1')
  let end = 0
  // In latin1 a position in the text is one in the bytes.
  for (const { index, 1: id = '' } of bytes.toString('latin1').matchAll(ID_MEMBER)) {
    if (background.isOver()) await background.slice()
    if (signal.aborted || found.length >= MAX_RECORDS) break
    const hasId = id.includes('\\') ? unescaped(id) === messageId : id === wanted
    if (!hasId || index < end) continue
    const position = bytes.lastIndexOf(LINE_FEED, index) + 1
    end = bytes.indexOf(LINE_FEED, index)
    const value = bytes.toString('utf8', position, end)
    if (isRecordOf(value, messageId)) found.push({ position, value })
  }
  return found
}

/** Whether a record has the id: an event at its top level, a rejected record in its `event`. */
export function isRecordOf(value: string, messageId: string): boolean {
  const record = parsed(value) as { messageId?: unknown; event?: { messageId?: unknown } | null } | null | undefined
  return [record?.messageId, record?.event?.messageId].some(id => typeof id === 'string' && escapedId(id) === messageId)
}

/** @param text an id as JSON, without its quotes, of bytes that were read as latin1 */
function unescaped(text: string): string {
  return escapedId(String(parsed(`"${Buffer.from(text, 'latin1').toString()}"`)))
}

/** Undefined for text that is not JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
