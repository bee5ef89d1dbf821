import type { Regard, Regards } from '../contract/regard.ts'
import type { JsonObject, ParsedBody } from './body.ts'
import { OPEN_BRACE } from './json-bytes.ts'
import { isKnownKey } from './known-keys.ts'
import type { EnvelopeScan, Member, ObjectScan } from './scan-result.ts'
import { scanObject } from './scan.ts'

/** What this room reads of events itself, whatever the contract looks at. */
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

/** Those that live on with the event's record. */
const KEPT_FIELDS: ReadonlySet<string> = new Set(['messageId', 'userId', 'anonymousId'])

/** What stands for values that nobody looks into: of the same kind, and empty where they are. */
const SOME_OBJECT = Object.freeze({})
const EMPTY_ARRAY = Object.freeze([])
const SOME_ARRAY = Object.freeze([null])

/** Shorter values are made as fast as they are compared. */
const LEAST_SHARED_CHARS = 32

/**
 * The top-level fields of an event, as far as anybody looks at them. Fields that no schema names are left out, and
 * `properties` or `traits` are only stood for, since the record is spliced from bytes: making objects of a payload that
 * is not looked into costs more than all else that is done for an event.
 *
 * An event with a key that may have to be refused is made whole.
 *
 * @param scan one whose bytes are sound
 */
export function readEvent(scan: ObjectScan, body: ParsedBody, regards: Regards | undefined): JsonObject {
  if (scan.suspectKeys || regards === undefined) return JSON.parse(body.text(scan.start, scan.end)) as JsonObject
  const event = emptyEvent()
  for (const member of scan.members) {
    const regard = OWN_FIELDS.has(member.key) ? 'whole' : regards.get(member.key)
    if (regard !== undefined) event[member.key] = readValue(member, regard, body)
  }
  return event
}

/**
 * All events have one shape for V8, which makes them small and quick to look at. A field that is undefined is as good
 * as absent: JSON has no such value, and the contract's validators ask for it in this way.
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
 * The top-level fields of a batch's body, as far as the contract looks at them. The elements stand for the items, which
 * are judged one by one.
 */
export function readEnvelope(scan: EnvelopeScan, body: ParsedBody, regards: Regards | undefined): JsonObject {
  const { context, integrations } = body.envelope
  // Each of these has been made already.
  const made = new Map<string, unknown>([
    ['batch', scan.elements],
    ['context', context?.value],
    ['integrations', integrations?.value]
  ])
  return Object.fromEntries(
    regardedMembers(scan, body, regards).map(({ key, valueStart, valueEnd }) => [
      key,
      made.get(key) ?? readJson(body.text(valueStart, valueEnd))
    ])
  )
}

function regardedMembers(scan: EnvelopeScan, body: ParsedBody, regards: Regards | undefined): readonly Member[] {
  const regarded = regards === undefined ? undefined : [...regards.keys()]
  if (regarded?.every(isKnownKey) === true) return scan.members.filter(({ key }) => regarded.includes(key))
  // The contract asks for more than the envelope's scan tells.
  return scanObject(body.bytes, { start: scan.start, end: scan.end, text: body.text }).members
}

/** The events of a client mostly share one context, letter by letter: it is made once. Nobody changes what is read. */
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

function readValue(member: Member, regard: Regard, { bytes, text, ownText }: ParsedBody): unknown {
  const { key, valueStart, valueEnd, plain, depth } = member
  if (plain) return (KEPT_FIELDS.has(key) ? ownText : text)(valueStart + 1, valueEnd - 1)
  if (depth === 0 || regard === 'whole') return readJson(text(valueStart, valueEnd))
  if (bytes[valueStart] === OPEN_BRACE) return SOME_OBJECT
  return /^\[\s*\]$/.test(text(valueStart, valueEnd)) ? EMPTY_ARRAY : SOME_ARRAY
}
