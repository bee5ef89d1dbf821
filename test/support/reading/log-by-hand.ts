import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The events of a log that a test writes itself. */
export interface HandLog {
  /** The number of segments, and of events in each. */
  readonly segments: number
  readonly each: number
  /** Characters that make each event longer. */
  readonly padding?: number
  /** The number of the first segment; default 1. */
  readonly first?: number
}

/**
 * Writes segments, one for each hour of 2026-11-23. The events are `m-HOUR-NUMBER`, a second apart. Returns their
 * messageIds.
 */
export function writeLogByHand(dataDir: string, { segments, each, padding = 0, first = 1 }: HandLog): string[] {
  const dir = join(dataDir, 'events')
  mkdirSync(dir, { recursive: true })
  const ids: string[] = []
  for (let segment = first; segment < first + segments; segment++) {
    const lines = Array.from({ length: each }, (_, at) => {
      const messageId = `m-${segment}-${at}`
      ids.push(messageId)
      const receivedAt = new Date(Date.UTC(2026, 10, 23, segment, 0, at)).toISOString()
      const named = at % 3 === 0 ? { type: 'identify' } : { type: 'track', event: `E ${at % 3}` }
      const event = { userId: `u${at % 5}`, ...named, messageId, properties: { at, padding: 'x'.repeat(padding) } }
      return JSON.stringify({ ...event, receivedAt, timestamp: receivedAt, projectId: 'web', version: 2 })
    })
    const stamp = `20261123T${String(segment).padStart(2, '0')}0000Z`
    writeFileSync(join(dir, `${stamp}-${String(segment).padStart(8, '0')}.ndjson`), `${lines.join('\n')}\n`)
  }
  return ids
}
