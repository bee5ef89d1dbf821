import type { FieldConstraints, ConstraintsByField } from '../../contract/field-constraints.ts'
import type { JsonObject, ParsedBody } from '../parse/body.ts'
import { KEY, numberOfKey } from '../parse/known-keys.ts'
import type { EnvelopeScan, Scan } from '../parse/scan-result.ts'
import { KIND } from '../parse/scan-result.ts'
import { scanObject } from '../parse/scan.ts'

/** The fields that ingest itself reads, whatever the contract checks. */
const OWN_FIELDS: ReadonlySet<string> = new Set([
  'type',
  'messageId',
  'userId',
  'anonymousId',
  'groupId',
  'previousId',
  'event',
  'timestamp',
  'originalTimestamp',
  'sentAt',
  'context',
  'integrations'
])

const WHOLE: Pick<FieldConstraints, 'inside'> = { inside: 'all' }

/** Placeholders for values whose contents are not checked: they have the same kind, and are empty if the value is empty. */
const SOME_OBJECT = Object.freeze({})
const EMPTY_ARRAY = Object.freeze([])
const SOME_ARRAY = Object.freeze([null])

/** Shorter values are parsed as fast as they are compared. */
const LEAST_SHARED_CHARS = 32

/**
 * Parses the top-level fields of an event that the contract or ingest checks. Fields that no schema names are left out, and
 * `properties` and `traits` are placeholders if their contents are not checked: the record is spliced from bytes, and
 * parsing an unchecked payload costs more than all other work for an event.
 *
 * An event with a key that may be forbidden is parsed completely.
 *
 * @param scan must be sound
 * @param constraints the fields that the contract checks; undefined: all
 */
export function readEvent(scan: Scan, body: ParsedBody, constraints: ConstraintsByField | undefined): JsonObject {
  if (scan.suspectKeys || constraints === undefined) return JSON.parse(body.text(scan.start, scan.end)) as JsonObject
  const event = emptyEvent()
  for (let place = 0; place < scan.size; place++) {
    const key = scan.keyAt(place)
    const found = OWN_FIELDS.has(key) ? WHOLE : constraints.get(key)
    if (found !== undefined) event[key] = readValue(scan, place, body, found)
  }
  return event
}

/**
 * All events have the same hidden class in V8, which makes them small and fast to read. An undefined field counts as
 * absent: JSON has no such value, and the validators check for undefined.
 */
function emptyEvent(): JsonObject {
  return {
    type: undefined,
    messageId: undefined,
    userId: undefined,
    anonymousId: undefined,
    groupId: undefined,
    previousId: undefined,
    event: undefined,
    timestamp: undefined,
    originalTimestamp: undefined,
    sentAt: undefined,
    context: undefined,
    integrations: undefined,
    name: undefined,
    category: undefined,
    properties: undefined,
    traits: undefined
  }
}

/**
 * Parses the top-level fields of a batch's body that the contract checks. The value of `batch` is the array of scans,
 * because the items are judged one by one.
 */
export function readEnvelope(
  scan: EnvelopeScan,
  body: ParsedBody,
  constraints: ConstraintsByField | undefined
): JsonObject {
  const { context, integrations } = body.envelope
  // These values exist already.
  const existing = new Map<string, unknown>([
    ['batch', scan.elements],
    ['context', context?.value],
    ['integrations', integrations?.value]
  ])
  const { whole, places } = constrainedPlaces(scan, body, constraints)
  const valueAt = (place: number): unknown => readJson(body.text(whole.valueStartAt(place), whole.valueEndAt(place)))
  return Object.fromEntries(
    places.map(place => {
      const key = whole.keyAt(place)
      return [key, existing.get(key) ?? valueAt(place)]
    })
  )
}

function constrainedPlaces(scan: EnvelopeScan, body: ParsedBody, constraints: ConstraintsByField | undefined) {
  const constrained = constraints === undefined ? undefined : [...constraints.keys()]
  const isKnown = constrained?.every(key => numberOfKey(key) >= 0) === true
  // Otherwise the contract checks keys that the scan of the envelope does not contain.
  const whole = isKnown ? scan.whole : scanAllMembers(scan, body)
  const places = Array.from({ length: whole.size }, (_, place) => place)
  return { whole, places: isKnown ? places.filter(place => constrained.includes(whole.keyAt(place))) : places }
}

/** Scans all members of a batch. Its items may not be JSON, so that they are replaced by blanks; no position changes. */
function scanAllMembers({ whole, elements }: EnvelopeScan, { bytes, text }: ParsedBody): Scan {
  const { start, end } = whole
  if (elements === undefined) return scanObject(bytes, { start, end, text })
  const place = whole.find(KEY.batch)
  const withoutItems = Buffer.from(bytes).fill(' ', whole.valueStartAt(place) + 1, whole.valueEndAt(place) - 1)
  return scanObject(withoutItems, { start, end, text })
}

/** The last parsed value: the events of a client mostly share one context. The value must not be changed. */
let lastText = ''
let lastValue: unknown

function readJson(text: string): unknown {
  if (text === lastText) return lastValue
  const value: unknown = JSON.parse(text)
  if (text.length >= LEAST_SHARED_CHARS) {
    lastText = text
    lastValue = value
  }
  return value
}

function readValue(
  scan: Scan,
  place: number,
  { text }: ParsedBody,
  constraints: Pick<FieldConstraints, 'inside'>
): unknown {
  const [start, end] = [scan.valueStartAt(place), scan.valueEndAt(place)]
  switch (scan.kindAt(place)) {
    case KIND.stringPlain:
    case KIND.stringEmpty:
      return text(start + 1, end - 1)
    case KIND.object:
      return constraints.inside !== 'nothing' ? readJson(text(start, end)) : SOME_OBJECT
    case KIND.array:
      return constraints.inside !== 'nothing' ? readJson(text(start, end)) : SOME_ARRAY
    case KIND.arrayEmpty:
      return EMPTY_ARRAY
    default:
      return readJson(text(start, end))
  }
}
