import type { IdWindow } from '../../src/ingest/dedupe.ts'

/** Marks an id as durable, as a request does that found it new. */
export function remember(window: IdWindow, messageId: string): void {
  window.forgetOld()
  const ticket = window.take(messageId)
  if (ticket > 0) window.keep([ticket])
}

/** Whether an id is durable, as a request sees it that then fails. */
export function isKnown(window: IdWindow, messageId: string): boolean {
  window.forgetOld()
  const ticket = window.take(messageId)
  if (ticket > 0) window.drop([ticket])
  return ticket === 0
}
