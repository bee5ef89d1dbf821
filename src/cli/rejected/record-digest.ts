import { createHash } from 'node:crypto'

/** The same text for the same record each time, wherever it is read. @param json the rejected record */
export function recordDigest(json: string): string {
  return createHash('sha256').update(json).digest('hex').slice(0, 32)
}
