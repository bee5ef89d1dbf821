import { isUtf8 } from 'node:buffer'
import { afterByteOrderMark, asObject } from '../../ingest/parse/body.ts'
import { OPEN_BRACKET } from '../../ingest/parse/json-bytes.ts'
import type { Outline, Span } from '../../ingest/parse/outline.ts'
import { elementsOf, outlineOf, skipBlank } from '../../ingest/parse/outline.ts'
import { repeatedKey } from '../../ingest/parse/repeated-key.ts'
import { scanObject } from '../../ingest/parse/scan.ts'
import { isEventType } from '../../model/event-types.ts'
import { parseExactly } from './exact-json.ts'
import type { Rejection } from './rejected.ts'
import { bodyOf } from './rejected.ts'

type JsonObject = Record<string, unknown>

/** What was taken out of a body that was refused as a whole. */
export interface Salvaged {
  /** Its whole events, each as if it had been refused alone. */
  readonly events: readonly Rejection[]
  /** Elements of the batch that are no whole event: not JSON, not UTF-8, cut off, or with a key twice. */
  readonly broken: number
  /** The batch has integrations that are not whole: without them an event could go where its sender does not want it. */
  readonly needsIntegrations: boolean
  /** The batch has a context that is not whole: the events go without it. */
  readonly lacksContext: boolean
}

const NOTHING: Salvaged = { events: [], broken: 0, needsIntegrations: false, lacksContext: false }

/**
 * Takes the whole events out of the body of a rejected record: each element of `batch` that is a JSON object, with what the
 * batch shares where that is whole; of a single call the event, where all of it is there. What braces and quotes do not
 * tell for certain is left: nothing behind an element whose end cannot be found is looked at.
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
  const isAlone = end !== undefined && skipBlank(bytes, end) === bytes.length
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

/** Where the arrays begin that are named `batch`; the last one may be cut off. */
function batchesOf(bytes: Buffer, { members, open }: Outline): number[] {
  const starts = members.filter(({ key }) => key === 'batch').map(({ value }) => value.start)
  if (open?.key === 'batch') starts.push(open.start)
  return starts.filter(start => bytes[start] === OPEN_BRACKET)
}

/** What the batch says for all events; not whole where it is cut off, no JSON, or said twice in two ways. */
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

/** The object that stands there, without a write key; undefined where it is none, or two readers would read two. */
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

/** Undefined where the bytes are not UTF-8. */
function textOf(bytes: Buffer, { start, end }: Span): string | undefined {
  const part = bytes.subarray(start, end)
  return isUtf8(part) ? part.toString() : undefined
}

/** The event's own over the batch's, key by key, as the server merges them. */
function merged(shared: JsonObject | undefined, own: unknown): unknown {
  if (shared === undefined) return own
  const isNothing = own === undefined || own === null || (Array.isArray(own) && own.length === 0)
  const object = asObject(own)
  return isNothing ? shared : object === undefined ? own : { ...shared, ...object }
}

function asRejection({ kind: _kind, body: _body, ...rest }: Rejection, event: JsonObject, index: number): Rejection {
  const { source, receivedAt } = rest
  return { ...rest, event, json: JSON.stringify({ event, index, source, receivedAt }) }
}
