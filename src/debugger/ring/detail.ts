import type { Background } from '../../model/background.ts'
import { findHardValues, HARD_VALUES } from '../../model/reading/hard-values.ts'
import type { HardValue } from '../../model/reading/hard-values.ts'
import type { Placement } from '../../model/sink.ts'
import type { Mask } from './mask.ts'
import type { StoredEvent } from './ring.ts'
import type { ExplainRoute } from '../../model/route.ts'
import { describePlacement } from './describe-placement.ts'
import type { Published, Routing } from './routing.ts'
import { routingOf } from './routing.ts'
import type { EventRow, JsonObject } from './row.ts'
import { parseObject, publishedText, receivedText, sdkIn, sdkOf, toRow } from './row.ts'

/** Everything that is known about one event, with write keys masked. */
export interface EventDetail extends EventRow {
  readonly endpoint: string
  /** The client's address. */
  readonly address: string
  readonly sdk: string
  readonly fault: { readonly code: string; readonly pointer: string; readonly message: string } | null
  /** The event's JSON as the client sent it; if it is not valid JSON, the bytes as text. */
  readonly received: string
  /** The published JSON; null if nothing was published. */
  readonly published: string | null
  /** The event as a value, for programs: as published, else as sent; null if it is not an object. */
  readonly payload: JsonObject | null
  readonly changes: readonly Change[]
  readonly journey: readonly Step[]
  readonly places: readonly Placement[]
  /** What became of it at each destination; only where one event is shown, not in lists. */
  readonly routing?: Routing
  /** Published values that common readers of the log cannot read or misread. */
  readonly hardValues: readonly (HardValue & { readonly meaning: string })[]
}

/** A top-level field that differs between the received and the published event. Values are JSON text. */
export interface Change {
  readonly field: string
  readonly kind: 'added' | 'changed' | 'removed'
  readonly before: string | null
  readonly after: string | null
}

export interface Step {
  readonly step: 'received' | 'validated' | 'governed' | 'enriched' | 'published' | 'answered'
  /** Milliseconds since the whole request was received. */
  readonly atMs: number
  readonly says: string
}

export interface DetailOptions {
  readonly mask: Mask
  readonly background: Background
  /** Undefined: the detail is without routing. */
  readonly explain?: ExplainRoute | undefined
}

/**
 * Creates the detail of an event. Each text is masked once, in slices of background work, and everything else is derived from
 * the masked texts. If masking a key that is a number made a text invalid JSON, the values come from the unmasked text and
 * are masked one by one.
 */
export async function toDetail(
  stored: StoredEvent,
  { mask, background, explain }: DetailOptions
): Promise<EventDetail> {
  const { request, event } = stored
  const { places } = event
  const plain = publishedText(stored)
  const received = await mask.inSlices(receivedText(stored), background)
  const published = plain === undefined ? null : await mask.inSlices(plain, background)
  const sent = parseObject(received)
  const left = published === null ? undefined : parseObject(published)
  const isEvent = event.kind === 'event'
  const named = published === null ? sent : left
  return {
    ...toRow(stored, mask, sent ?? parseObject(receivedText(stored))),
    endpoint: request.endpoint,
    address: request.address,
    sdk: named === undefined ? mask(sdkOf(stored)) : sdkIn(named),
    fault: event.fault === undefined ? null : { ...event.fault, message: mask(event.fault.message) },
    received,
    published,
    payload: (isEvent ? left : sent) ?? null,
    changes: isEvent ? changesOf(sent, left) : [],
    journey: journeyOf(stored, places, mask),
    places,
    ...(explain === undefined ? {} : { routing: routingOf(publishedOf(stored, plain), { explain, mask }) }),
    hardValues:
      published === null ? [] : findHardValues(published).map(hard => ({ ...hard, meaning: HARD_VALUES[hard.kind] }))
  }
}

/** @param plain the published text, without masking */
function publishedOf({ request, event }: StoredEvent, plain: string | undefined): Published {
  const { source, receivedAt, timings } = request
  const { type, outcome, places } = event
  const isEvent = plain !== undefined && event.kind === 'event'
  const at = receivedAt + timings.judgeMs
  return { source, type, at, outcome, event: isEvent ? parseObject(plain) : undefined, places }
}

/** The differences of two masked events. */
function changesOf(before: JsonObject | undefined, after: JsonObject | undefined): Change[] {
  if (before === undefined || after === undefined) return []
  const spelled = (value: unknown): string | null => (value === undefined ? null : JSON.stringify(value))
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap(field => {
    const [was, is] = [spelled(before[field]), spelled(after[field])]
    if (was === is) return []
    return [{ field, kind: was === null ? 'added' : is === null ? 'removed' : 'changed', before: was, after: is }]
  })
}

function journeyOf({ request, event }: StoredEvent, places: readonly Placement[], mask: Mask): Step[] {
  const { judgeMs, encodeMs, publishMs } = request.timings
  const judged = rounded(judgeMs)
  const encoded = rounded(judgeMs + encodeMs)
  const ended = rounded(judgeMs + encodeMs + publishMs)
  const { outcome, fault, kind } = event
  const single = request.events === 1
  const received = single ? 'one event' : `one of ${request.events} events of a request`
  const sender = request.address === '' ? '' : ` from ${request.address}`
  const steps: Step[] = [{ step: 'received', atMs: 0, says: `${received}${sender}` }]
  if (outcome === 'rate_limited') {
    return [...steps, { step: 'answered', atMs: ended, says: 'held back: the source is over its rate limit (429)' }]
  }
  steps.push({
    step: 'validated',
    atMs: judged,
    says: fault === undefined || outcome === 'filtered' ? 'it keeps to the contract' : `refused: ${fault.code}`
  })
  for (const { rule, detail } of event.effects) {
    steps.push({ step: 'governed', atMs: judged, says: `${rule}: ${mask(detail)}` })
  }
  if (kind === 'event') steps.push({ step: 'enriched', atMs: encoded, says: 'ids, times and address filled in' })
  if (places.length > 0) {
    const what = kind === 'rejected' ? 'the rejected record' : 'the event'
    steps.push({
      step: 'published',
      atMs: ended,
      says: `${what} is durable: ${places.map(describePlacement).join(', ')}`
    })
  }
  const isBlocked = outcome === 'filtered' && event.effects.some(({ rule }) => rule === 'plan_block')
  steps.push({ step: 'answered', atMs: ended, says: isBlocked ? BLOCKED : ENDINGS[outcome] })
  return steps
}

const BLOCKED = 'filtered: its tracking plan blocks it (200)'

const ENDINGS: Record<StoredEvent['event']['outcome'], string> = {
  accepted: 'accepted (200)',
  duplicate: 'a duplicate: an event with this messageId is durable already, so nothing was published (200)',
  rejected: 'rejected; the answer names the reason',
  rate_limited: 'held back (429)',
  failed: 'failed: it could not be made durable, and the client was told to send it again (503)',
  filtered: 'filtered: the configuration drops it on purpose (200)',
  suppressed: 'suppressed: the user is on the suppression list, so nothing of the event was kept (200)'
}

function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
