import type { Outcome } from '../../model/outcome.ts'
import type { Mask } from './mask.ts'
import type { StoredEvent } from './ring.ts'

export type JsonObject = Record<string, unknown>

/** One row of the list of events. No field contains a write key. */
export interface EventRow {
  readonly seq: number
  /** RFC 3339. */
  readonly receivedAt: string
  readonly source: string
  readonly type: string
  readonly outcome: Outcome
  /** Why it was rejected; null for every other outcome. */
  readonly code: string | null
  readonly messageId: string
  /** The `event` of a track call, the `name` of a page or screen, or the id of a group. */
  readonly name: string
  /** userId, else anonymousId. */
  readonly user: string
}

/** Longer names are cut, to keep rows small. */
const MAX_TEXT_CHARS = 200

/** The event as the client sent it, as text. */
export function receivedText({ event }: StoredEvent): string {
  return event.received.toString()
}

/** The published event or rejected record; undefined if nothing was published. */
export function publishedText({ event }: StoredEvent): string | undefined {
  return event.published?.toString()
}

/** Parses a JSON object; undefined for any other text. */
export function parseObject(text: string): JsonObject | undefined {
  try {
    return objectOrUndefined(JSON.parse(text))
  } catch {
    return undefined
  }
}

function objectOrUndefined(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined
}

export function toRow(stored: StoredEvent, mask: Mask, value = parseObject(receivedText(stored))): EventRow {
  const { seq, request, event } = stored
  return {
    seq,
    receivedAt: new Date(request.receivedAt).toISOString(),
    source: request.source,
    type: event.type,
    outcome: event.outcome,
    code: event.fault?.code ?? null,
    messageId: masked(event.messageId === '' ? text(value?.['messageId']) : event.messageId, mask),
    name: masked(nameOf(event.type, value), mask),
    user: masked(userOf(value), mask)
  }
}

export function nameOf(type: string, value: JsonObject | undefined): string {
  if (value === undefined) return ''
  switch (type) {
    case 'track':
      return text(value['event'])
    case 'page':
    case 'screen':
      return [text(value['category']), text(value['name'])].filter(part => part !== '').join(' / ')
    case 'group':
      return text(value['groupId'])
    case 'alias':
      return text(value['previousId'])
    default:
      return text(value['event']) || text(value['name'])
  }
}

export function userOf(value: JsonObject | undefined): string {
  return text(value?.['userId']) || text(value?.['anonymousId'])
}

/** The SDK that sent an event, as `name version`; '' if the event does not name it. */
export function sdkOf(stored: StoredEvent): string {
  return sdkIn(parseObject(publishedText(stored) ?? receivedText(stored)))
}

/** The SDK that a published event or a rejected record names. */
export function sdkIn(value: JsonObject | undefined): string {
  // A rejected record has `library` itself, because the event's context may be in the batch.
  const library =
    objectOrUndefined(value?.['library']) ?? objectOrUndefined(objectOrUndefined(value?.['context'])?.['library'])
  return [text(library?.['name']), text(library?.['version'])].join(' ').trim()
}

function text(value: unknown): string {
  if (typeof value === 'string') return value.length > MAX_TEXT_CHARS ? `${value.slice(0, MAX_TEXT_CHARS)}…` : value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : ''
}

function masked(value: string, mask: Mask): string {
  return value === '' ? '' : mask(value)
}
