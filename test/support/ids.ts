import type { IdWindow } from '../../src/ingest/dedupe.ts'

/** Marks an id as durable, as a request does that found it new. */
export function remember(window: IdWindow, messageId: string): void {
  window.has(messageId)
  window.add(window.hashOfLast())
}
