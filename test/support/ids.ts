import type { IdWindow } from '../../src/ingest/dedupe/dedupe.ts'

/** Looks up an id that is between other bytes, as in a request. */
export function take(window: IdWindow, messageId: string): number {
  const bytes = Buffer.from(`"${messageId}"`)
  return window.take(bytes, 1, bytes.length - 1)
}

/** Marks an id as durable, like a request that found it new. */
export function remember(window: IdWindow, messageId: string): void {
  window.forgetOld()
  const ticket = take(window, messageId)
  if (ticket > 0) window.keep([ticket])
}

/** Whether an id is durable, from the view of a request that then fails. */
export function isKnown(window: IdWindow, messageId: string): boolean {
  window.forgetOld()
  const ticket = take(window, messageId)
  if (ticket > 0) window.drop([ticket])
  return ticket === 0
}
