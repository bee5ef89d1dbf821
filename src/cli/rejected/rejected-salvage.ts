import { isUtf8 } from 'node:buffer'
import { afterByteOrderMark, asObject } from '../../ingest/parse/body.ts'
import { OPEN_BRACKET } from '../../ingest/parse/json-bytes.ts'
import type { Outline, Span } from '../../ingest/parse/outline.ts'
import { elementsOf, outlineOf, skipSeparators } from '../../ingest/parse/outline.ts'
import { repeatedKey } from '../../ingest/parse/repeated-key.ts'
import { scanObject } from '../../ingest/parse/scan.ts'
import { isEventType } from '../../model/event-types.ts'
import { parseExactly } from './exact-json.ts'
import type { Rejection } from './rejected.ts'
import { bodyOf } from './rejected.ts'

type JsonObject = Record<string, unknown>

/** The events that were extracted from a body that was refused as a whole. */
export interface Salvaged {
  /** The complete events, each as if it had been refused alone. */
  readonly events: readonly Rejection[]
  /** The number of elements that are not complete events: not JSON, not UTF-8, truncated, or with a repeated key. */
  readonly broken: number
  /** The batch's integrations are incomplete: without them, an event could go to a destination that the sender excluded. */
  readonly needsIntegrations: boolean
  /** The batch's context is incomplete: the events are sent without it. */
  readonly lacksContext: boolean
}

const NOTHING: Salvaged = { events: [], broken: 0, needsIntegrations: false, lacksContext: false }

/**
 * Extracts the complete events from the body of a rejected record: each element of `batch` that is a JSON object, with the
 * batch's shared members if these are complete; for a single call, the event if it is complete. Nothing is guessed: after an
 * element whose end cannot be found by braces and quotes, the rest is ignored.
 */
export function salvage(rejection: Rejection): Salvaged {
  const bytes = bodyOf(rejection)
  const outline = bytes === undefined ? undefined : outlineOf(bytes, afterByteOrderMark(bytes))
  if (bytes === undefined || outline === undefined) return NOTHING
  return isEventType(rejection.type)
    ? salvageSingle(rejection, bytes, outline)
    : salvageBatch(rejection, bytes, outline)
}

function salvageSingle(rejection: Rejection, bytes: Buffer, { start, end }: Outline): Salvaged {
  const isAlone = end !== undefined && skipSeparators(bytes, end) === bytes.length
  const event = isAlone ? readEvent(bytes, { start, end }) : undefined
  return event === undefined ? { ...NOTHING, broken: 1 } : { ...NOTHING, events: [asRejection(rejection, event, 0)] }
}

function salvageBatch(rejection: Rejection, bytes: Buffer, outline: Outline): Salvaged {
  const context = sharedMember(bytes, outline, 'context')
  const integrations = sharedMember(bytes, outline, 'integrations')
  const sentAt = sharedMember(bytes, outline, 'sentAt').value
  const spans = batchesOf(bytes, outline).flatMap(start => elementsOf(bytes, start))
  const found = spans.map(span => readEvent(bytes, span)).filter(event => event !== undefined)
  const events = found.map((event, index) => {
    event['context'] = merged(asObject(context.value), event['context'])
    event['integrations'] = merged(asObject(integrations.value), event['integrations'])
    if (typeof sentAt === 'string') event['sentAt'] ??= sentAt
    return asRejection(rejection, event, index)
  })
  return {
    events,
    broken: spans.length - events.length + (outline.open?.key === 'batch' ? 1 : 0),
    needsIntegrations: !integrations.isWhole,
    lacksContext: !context.isWhole
  }
}

/** The start positions of the arrays named `batch`; the last one may be truncated. */
function batchesOf(bytes: Buffer, { members, open }: Outline): number[] {
  const starts = members.filter(({ key }) => key === 'batch').map(({ value }) => value.start)
  if (open?.key === 'batch') starts.push(open.start)
  return starts.filter(start => bytes[start] === OPEN_BRACKET)
}

/** A member that the batch shares with all events. It is not whole if it is truncated, not JSON, or repeated with another value. */
function sharedMember(bytes: Buffer, { members, open }: Outline, key: string): { isWhole: boolean; value?: unknown } {
  const texts = members.filter(member => member.key === key).map(({ value }) => textOf(bytes, value))
  const [text] = texts
  if (open?.key === key || texts.some(other => other !== text)) return { isWhole: false }
  if (texts.length === 0) return { isWhole: true }
  try {
    return { isWhole: true, value: parseExactly(text ?? '') }
  } catch {
    return { isWhole: false }
  }
}

/** The object in these bytes without its write key; undefined if it is not an object or has a repeated key. */
function readEvent(bytes: Buffer, span: Span): JsonObject | undefined {
  const text = textOf(bytes, span)
  try {
    if (text === undefined || repeatedKey(scanObject(bytes, span)) !== undefined) return undefined
    const event = asObject(parseExactly(text))
    delete event?.['writeKey']
    return event
  } catch {
    return undefined
  }
}

/** The text of these bytes; undefined if they are not UTF-8. */
function textOf(bytes: Buffer, { start, end }: Span): string | undefined {
  const part = bytes.subarray(start, end)
  return isUtf8(part) ? part.toString() : undefined
}

/** Merges a shared object with the event's own, whose keys take precedence, as the server does. */
function merged(shared: JsonObject | undefined, own: unknown): unknown {
  if (shared === undefined) return own
  const isNothing = own === undefined || own === null || (Array.isArray(own) && own.length === 0)
  const object = asObject(own)
  return isNothing ? shared : object === undefined ? own : { ...shared, ...object }
}

function asRejection({ kind: _kind, body: _body, ...rest }: Rejection, event: JsonObject, index: number): Rejection {
  const { source, receivedAt, json: bodyJson } = rest
  return { ...rest, bodyJson, event, json: JSON.stringify({ event, index, source, receivedAt }) }
}
