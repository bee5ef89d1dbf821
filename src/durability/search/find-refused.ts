import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { REFUSED_FILE, type Placement } from '../../model/sink.ts'
import { isNotFound } from '../log/segment/files.ts'

interface Found {
  readonly place: Placement
  readonly line: number
  readonly value: string
  readonly at: number
}

/** The records of a messageId that Kafka refused permanently. Rejects with the file system's error. */
export async function findRefused(dataDir: string, messageId: string): Promise<Found[]> {
  const found: Found[] = []
  const needle = JSON.stringify(messageId)
  let line = 0
  let position = 0
  try {
    const input = createReadStream(join(dataDir, 'spool', REFUSED_FILE))
    for await (const text of createInterface({ input, crlfDelay: Infinity })) {
      line++
      const refused = text.includes(needle) ? parse(text) : undefined
      if (refused !== undefined && idOf(refused.record) === messageId) {
        const place = { store: 'spool', file: join('spool', REFUSED_FILE), position, topic: refused.topic } as const
        const value = text.slice(text.indexOf(RECORD) + RECORD.length, -1)
        found.push({ place, line, value, at: Date.parse(refused.refusedAt) })
      }
      position += Buffer.byteLength(text) + 1
    }
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
  return found
}

const RECORD = ',"record":'

interface Refused {
  readonly refusedAt: string
  readonly topic: string
  readonly record: { readonly messageId?: unknown; readonly event?: { readonly messageId?: unknown } | null }
}

function parse(text: string): Refused | undefined {
  try {
    return JSON.parse(text) as Refused
  } catch {
    return undefined
  }
}

/** The id of a refused record: at the top level of an event, and in the `event` of a rejected record. */
function idOf(record: Refused['record']): unknown {
  return record.messageId ?? record.event?.messageId
}
