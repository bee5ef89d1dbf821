import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { REFUSED_FILE } from '../../model/sink.ts'
import { isNotFound } from '../log/segment/files.ts'
import { isRecordOf } from './find-id.ts'
import type { FoundRecord } from './search.ts'

/** The records of a messageId that Kafka refused permanently. Rejects with the file system's error. */
export async function findRefused(dataDir: string, messageId: string): Promise<FoundRecord[]> {
  const found: FoundRecord[] = []
  const needle = JSON.stringify(messageId)
  let line = 0
  let position = 0
  try {
    const input = createReadStream(join(dataDir, 'spool', REFUSED_FILE))
    for await (const text of createInterface({ input, crlfDelay: Infinity })) {
      line++
      const value = text.slice(text.indexOf(RECORD) + RECORD.length, -1)
      const refused = text.includes(needle) && isRecordOf(value, messageId) ? parse(text) : undefined
      if (refused !== undefined) {
        const place = { store: 'spool', file: join('spool', REFUSED_FILE), position, topic: refused.topic } as const
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

function parse(text: string): { readonly refusedAt: string; readonly topic: string } | undefined {
  try {
    return JSON.parse(text) as { refusedAt: string; topic: string }
  } catch {
    return undefined
  }
}
