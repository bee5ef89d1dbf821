import { createHash } from 'node:crypto'
import { isBlank, isZeroTime } from '../../ingest/parse/absent.ts'
import { correctSkew, toFinerText, toInstant } from '../../ingest/parse/time.ts'
import { isEventType } from '../../model/event-types.ts'
import { UsageError } from '../command.ts'
import { parseExactly } from './exact-json.ts'
import type { Rejection } from './rejected.ts'
import { asObject } from '../../ingest/parse/body.ts'

/** One `--set`: where to and what. */
export interface Change {
  readonly steps: readonly string[]
  readonly value: unknown
}

const FORBIDDEN_STEPS = ['__proto__', 'constructor', 'prototype']

/**
 * `properties.price=12`, or `/properties/price=12` with a JSON pointer where a name has dots. The value is JSON where
 * it is valid JSON, else text. Throws UsageError.
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
    throw new UsageError(`--set ${text}: ${path} is no path`)
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
 * The event of a rejected record, changed, as JSON that can be sent again; numbers keep their spelling. Undefined where
 * there is no event to send: what was refused is not a JSON object, or a change does not fit it.
 */
export function editEvent({ json, type, receivedAt }: Rejection, changes: readonly Change[]): string | undefined {
  const event = asObject((parseExactly(json) as { event: unknown }).event)
  if (event === undefined) return undefined
  // From a path of its own, which said the type whatever the body says: the event goes out again in a batch.
  if (isEventType(type)) event['type'] = type
  for (const change of changes) if (!apply(event, change)) return undefined
  keepTime(event, Date.parse(receivedAt))
  // From /v1/track, in a record of an earlier version.
  if (event['type'] === undefined && event['event'] !== undefined) event['type'] = 'track'
  // The same id each time, so that the server knows an event that is sent twice.
  const { messageId = null } = event
  if (messageId === null || (typeof messageId === 'string' && isBlank(messageId))) {
    event['messageId'] = `retry-${createHash('sha256').update(json).digest('hex').slice(0, 32)}`
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
 * The time that the event would have got, had it been accepted then: `sentAt` and the time of arrival are those of the
 * first try, and must not be held against the clock of the second.
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
  event['timestamp'] = Number.isNaN(corrected) ? timestamp : toFinerText(corrected, String(given))
}
