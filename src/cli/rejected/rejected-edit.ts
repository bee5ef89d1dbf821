import { isBlank, isZeroTime } from '../../ingest/parse/absent.ts'
import { correctSkew, toPreciseText, toInstant } from '../../ingest/parse/time.ts'
import { isEventType } from '../../model/event-types.ts'
import { UsageError } from '../command.ts'
import { retryId } from './address.ts'
import { parseExactly } from './exact-json.ts'
import type { Rejection } from './rejected.ts'
import { asObject } from '../../ingest/parse/body.ts'

/** One `--set`: a path and a value. */
export interface Change {
  readonly steps: readonly string[]
  readonly value: unknown
}

const FORBIDDEN_STEPS = ['__proto__', 'constructor', 'prototype']

/**
 * Parses `properties.price=12`, or `/properties/price=12` with a JSON pointer, for names with dots. The value is JSON if it is
 * valid JSON, otherwise text. Throws UsageError for a text without a path.
 */
export function parseChange(text: string): Change {
  const equals = text.indexOf('=')
  if (equals < 1) throw new UsageError(`--set ${text}: write it as path=value`)
  const path = text.slice(0, equals)
  const steps = path.startsWith('/')
    ? path
        .slice(1)
        .split('/')
        .map(step => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    : path.split('.')
  if (steps.some(step => step === '' || FORBIDDEN_STEPS.includes(step))) {
    throw new UsageError(`--set ${text}: ${path} is not a path`)
  }
  return { steps, value: parseValue(text.slice(equals + 1)) }
}

function parseValue(text: string): unknown {
  try {
    return parseExactly(text)
  } catch {
    return text
  }
}

/**
 * Applies changes to the event of a rejected record. Returns JSON that can be sent again, in which numbers keep their text.
 * Undefined if there is no event to send: what was refused is not a JSON object, or a change does not fit it.
 */
export function editEvent({ json, type, receivedAt }: Rejection, changes: readonly Change[]): string | undefined {
  const event = asObject((parseExactly(json) as { event: unknown }).event)
  if (event === undefined) return undefined
  // The path of a single call sets the type, whatever the body says. The event is sent again in a batch, so it needs the type.
  if (isEventType(type)) event['type'] = type
  for (const change of changes) if (!apply(event, change)) return undefined
  keepTime(event, Date.parse(receivedAt))
  // A record of an earlier version, from /v1/track.
  if (event['type'] === undefined && event['event'] !== undefined) event['type'] = 'track'
  // The same id each time, so that the server recognises an event that is sent twice.
  const { messageId = null } = event
  if (messageId === null || (typeof messageId === 'string' && isBlank(messageId))) {
    event['messageId'] = retryId(json)
  }
  return JSON.stringify(event)
}

function apply(event: Record<string, unknown>, { steps, value }: Change): boolean {
  let at: unknown = event
  for (const [index, step] of steps.entries()) {
    if (typeof at !== 'object' || at === null) return false
    if (Array.isArray(at) && !/^\d{1,9}$/.test(step)) return false
    const holder = at as Record<string, unknown>
    if (index === steps.length - 1) holder[step] = value
    else if (!Object.hasOwn(holder, step) || holder[step] === null) holder[step] = {}
    at = holder[step]
  }
  return true
}

/**
 * Sets the timestamp that the event would have got if it had been accepted at first, from `sentAt` and the time of arrival
 * then. The skew of the second attempt would be wrong.
 */
function keepTime(event: Record<string, unknown>, receivedAt: number): void {
  for (const key of ['timestamp', 'originalTimestamp', 'sentAt']) if (isZeroTime(event[key])) delete event[key]
  const { timestamp, originalTimestamp, sentAt } = event
  const given = timestamp ?? originalTimestamp
  const original = toInstant(given)
  const sent = toInstant(sentAt)
  delete event['sentAt']
  if (timestamp === undefined && originalTimestamp === undefined)
    event['timestamp'] = new Date(receivedAt).toISOString()
  if (Number.isNaN(original) || Number.isNaN(sent)) return
  event['originalTimestamp'] ??= timestamp
  const corrected = correctSkew({ original, sentAt: sent, receivedAt })
  event['timestamp'] = Number.isNaN(corrected) ? timestamp : toPreciseText(corrected, String(given))
}
