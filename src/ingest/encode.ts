import { randomUUID } from 'node:crypto'
import type { JsonObject, ParsedBody, SharedObject } from './body.ts'
import { asObject } from './body.ts'
import { ipToFill } from './ip.ts'
import type { GoodEvent } from './judge.ts'
import type { LineWriter } from './line-writer.ts'
import { ObjectCopy } from './object-copy.ts'
import type { Member } from './scan-result.ts'
import { findMember } from './scan-result.ts'
import { scanObject } from './scan.ts'
import { correctSkew, toInstant, toText } from './time.ts'

/** `version` of every event, as in Segment's common fields. */
const SPEC_VERSION = 2

/** What is the same for every event of a request. */
export interface RequestFacts {
  readonly body: ParsedBody
  readonly source: string
  /** Milliseconds since the epoch, one for all events of a request (Segment's spec). */
  readonly receivedAt: number
  /** `receivedAt` as RFC 3339. */
  readonly receivedAtText: string
  /** The sender's address. */
  readonly address: string
  /** What ends each record. */
  readonly tail: string
}

export function createFacts(request: {
  body: ParsedBody
  source: string
  receivedAt: number
  address: string
}): RequestFacts {
  const receivedAtText = toText(request.receivedAt)
  const tail = `"receivedAt":"${receivedAtText}","projectId":"${request.source}","version":${SPEC_VERSION}}`
  return { ...request, receivedAtText, tail }
}

/** The messageId that the client sent, or a new one. Null and the empty string count as absent. */
export function messageIdOf(event: GoodEvent): string {
  const own = event.value['messageId']
  return typeof own === 'string' && own !== '' ? own : randomUUID()
}

/** What Kafka partitions by: userId, else anonymousId. */
export function keyOf(value: JsonObject): string {
  const { userId, anonymousId } = value
  if (typeof userId === 'string' && userId !== '') return userId
  return typeof anonymousId === 'string' ? anonymousId : ''
}

/**
 * Writes an accepted event as a line: the client's own bytes, with the fields that Segment sets spliced between them.
 * Our fields come last; a member of the client's that we set ourselves is left out of its place.
 */
export function encodeEvent(writer: LineWriter, event: GoodEvent, messageId: string, facts: RequestFacts): void {
  const { scan, value } = event
  const { bytes, envelope } = facts.body
  const out = new ObjectCopy(writer, bytes, scan.hasLineBreaks)
  const ip = ipToFill(asObject(value['context']), envelope.context?.value, facts.address)
  const context: Merge = { own: value['context'], shared: envelope.context, ip }
  const integrations: Merge = { own: value['integrations'], shared: envelope.integrations, ip: undefined }
  for (const member of scan.members) {
    if (isReplaced(member.key, event, facts)) out.drop()
    else if (member.key === 'context' && changesAnything(context)) {
      out.replace('"context":', () => writeMerged(writer, facts.body, context, member))
    } else if (member.key === 'integrations' && changesAnything(integrations)) {
      out.replace('"integrations":', () => writeMerged(writer, facts.body, integrations, member))
    } else out.keep(member)
  }
  out.flush()
  if (context.shared !== undefined && value['context'] === undefined) {
    out.replace('"context":', () => writeMerged(writer, facts.body, context))
  }
  if (integrations.shared !== undefined && value['integrations'] === undefined) {
    out.replace('"integrations":', () => writeMerged(writer, facts.body, integrations))
  }
  writer.ascii((out.isEmpty ? '' : ',') + ourFields(event, messageId, facts) + facts.tail)
  writer.endLine()
}

/** Members of the client's that our own take the place of. The write key never leaves. */
function isReplaced(key: string, { value, type }: GoodEvent, { body }: RequestFacts): boolean {
  switch (key) {
    case 'timestamp':
    case 'receivedAt':
    case 'projectId':
    case 'version':
    case 'writeKey':
      return true
    case 'type':
      return value['type'] !== type
    case 'messageId':
      return value['messageId'] === null || value['messageId'] === ''
    case 'originalTimestamp':
      return value['originalTimestamp'] === null
    case 'sentAt':
      return value['sentAt'] === null && body.envelope.sentAt !== undefined
    default:
      return false
  }
}

/**
 * Every field that we set and the client did not, but for the record's tail, each with a comma behind it. ASCII, as ids
 * of ours, source ids and date-times are.
 */
function ourFields(event: GoodEvent, messageId: string, facts: RequestFacts): string {
  const { value, type } = event
  let text = value['type'] === type ? '' : `"type":"${type}",`
  if (value['messageId'] !== messageId) text += `"messageId":"${messageId}",`
  const envelopeSentAt = facts.body.envelope.sentAt
  const ownSentAt = value['sentAt'] !== undefined && value['sentAt'] !== null
  if (!ownSentAt && envelopeSentAt !== undefined) text += `"sentAt":${envelopeSentAt.json},`
  const sentAt = ownSentAt ? toInstant(value['sentAt']) : (envelopeSentAt?.time ?? Number.NaN)
  return text + timeFields(event, sentAt, facts)
}

/**
 * `originalTimestamp` is the client's `timestamp`, unless the client sent one itself (RudderStack's SDKs do);
 * `timestamp` is the client's, corrected for its clock where `sentAt` tells how wrong that is.
 */
function timeFields({ scan, value }: GoodEvent, sentAt: number, facts: RequestFacts): string {
  const hasOriginal = value['originalTimestamp'] !== undefined && value['originalTimestamp'] !== null
  const hasTimestamp = value['timestamp'] !== undefined && value['timestamp'] !== null
  const given = hasTimestamp ? 'timestamp' : 'originalTimestamp'
  const original = toInstant(value[given])
  if (Number.isNaN(original)) return `"timestamp":"${facts.receivedAtText}",`
  const { valueStart, valueEnd, plain } = findMember(scan.members, given) as Member
  // Asking for the text again would make the body's windows of text a second time.
  const json = plain ? `"${String(value[given])}"` : facts.body.text(valueStart, valueEnd)
  const corrected = correctSkew({ original, sentAt, receivedAt: facts.receivedAt })
  const timestamp = corrected === undefined ? json : `"${corrected}"`
  return `${hasOriginal ? '' : `"originalTimestamp":${json},`}"timestamp":${timestamp},`
}

/** The batch's object under the event's own, key by key at the top level, and `ip` where it is to be filled. */
interface Merge {
  readonly own: unknown
  readonly shared: SharedObject | undefined
  readonly ip: string | undefined
}

function changesAnything({ own, shared, ip }: Merge): boolean {
  if (ip !== undefined) return true
  if (shared === undefined) return false
  const object = asObject(own)
  return object === undefined || shared.scan.members.some(({ key }) => !Object.hasOwn(object, key))
}

/** @param member where the event's own object stands; undefined where it has none */
function writeMerged(writer: LineWriter, body: ParsedBody, { own, shared, ip }: Merge, member?: Member): void {
  const { bytes, text } = body
  const object = asObject(own)
  const ownScan =
    object === undefined || member === undefined
      ? undefined
      : scanObject(bytes, { start: member.valueStart, end: member.valueEnd, text })
  const hasLineBreaks = ownScan?.hasLineBreaks === true || shared?.scan.hasLineBreaks === true
  const copy = new ObjectCopy(writer, bytes, hasLineBreaks)
  const put = (each: Member, isHidden: boolean): void => {
    if (isHidden || (each.key === 'ip' && ip !== undefined)) copy.drop()
    else copy.keep(each)
  }
  for (const each of ownScan?.members ?? []) put(each, false)
  copy.flush()
  for (const each of shared?.scan.members ?? []) put(each, object !== undefined && Object.hasOwn(object, each.key))
  if (ip !== undefined) copy.replace('"ip":', () => writer.ascii(`"${ip}"`))
  copy.end()
}
