import type { ParsedBody, SharedObject } from './body.ts'
import { asObject } from './body.ts'
import type { GoodEvent } from './good-event.ts'
import { ipToFill } from './ip.ts'
import type { LineWriter } from './line-writer.ts'
import { ObjectCopy } from './object-copy.ts'
import { ACTION, NOWHERE } from './pattern.ts'
import type { Scan } from './scan-result.ts'
import { scanObject } from './scan.ts'
import { correctSkew, toText } from './time.ts'

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

/**
 * Writes an accepted event as a line: the client's own bytes, with the fields that Segment sets spliced between them.
 * Our fields come last; a member of the client's that we set ourselves is left out of its place.
 */
export function encodeEvent(writer: LineWriter, event: GoodEvent, messageId: string, facts: RequestFacts): void {
  const { scan, pattern } = event
  const { bytes, envelope } = facts.body
  const out = new ObjectCopy(writer, bytes, scan.hasLineBreaks)
  const ip = ipToFill(asObject(pattern.context), envelope.context?.value, facts.address)
  const context: Merge = { own: pattern.context, shared: envelope.context, ip }
  const integrations: Merge = { own: pattern.integrations, shared: envelope.integrations, ip: undefined }
  for (let place = 0; place < scan.size; place++) {
    const action = pattern.actions[place]
    if (action === ACTION.drop || (action === ACTION.dropForSentAt && envelope.sentAt !== undefined)) out.drop()
    else if (action === ACTION.context && changesAnything(context)) {
      out.replace('"context":', () => writeMerged(writer, facts.body, context, scan, place))
    } else if (action === ACTION.integrations && changesAnything(integrations)) {
      out.replace('"integrations":', () => writeMerged(writer, facts.body, integrations, scan, place))
    } else out.keep(scan, place)
  }
  out.flush()
  if (context.shared !== undefined && pattern.context === undefined) {
    out.replace('"context":', () => writeMerged(writer, facts.body, context))
  }
  if (integrations.shared !== undefined && pattern.integrations === undefined) {
    out.replace('"integrations":', () => writeMerged(writer, facts.body, integrations))
  }
  writer.ascii((out.isEmpty ? '' : ',') + ourFields(event, messageId, facts) + facts.tail)
  writer.endLine()
}

/**
 * Every field that we set and the client did not, but for the record's tail, each with a comma behind it. ASCII, as ids
 * of ours, source ids and date-times are.
 */
function ourFields(event: GoodEvent, messageId: string, facts: RequestFacts): string {
  const { hasOwnType, messageIdAt, sentAtAt, type } = event.pattern
  let text = hasOwnType ? '' : `"type":"${type}",`
  if (messageIdAt === NOWHERE) text += `"messageId":"${messageId}",`
  const envelopeSentAt = facts.body.envelope.sentAt
  if (sentAtAt === NOWHERE && envelopeSentAt !== undefined) text += `"sentAt":${envelopeSentAt.json},`
  const sentAt = sentAtAt === NOWHERE ? (envelopeSentAt?.time ?? Number.NaN) : event.instantAt(sentAtAt)
  return text + timeFields(event, sentAt, facts)
}

/**
 * `originalTimestamp` is the client's `timestamp`, unless the client sent one itself (RudderStack's SDKs do);
 * `timestamp` is the client's, corrected for its clock where `sentAt` tells how wrong that is.
 */
function timeFields(event: GoodEvent, sentAt: number, facts: RequestFacts): string {
  const { timestampAt, originalTimestampAt } = event.pattern
  const given = timestampAt === NOWHERE ? originalTimestampAt : timestampAt
  const original = event.instantAt(given)
  if (Number.isNaN(original)) return `"timestamp":"${facts.receivedAtText}",`
  const json = facts.body.text(event.scan.valueStartAt(given), event.scan.valueEndAt(given))
  const corrected = correctSkew({ original, sentAt, receivedAt: facts.receivedAt })
  const timestamp = corrected === undefined ? json : `"${corrected}"`
  return `${originalTimestampAt === NOWHERE ? `"originalTimestamp":${json},` : ''}"timestamp":${timestamp},`
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
  if (object === undefined) return true
  for (let place = 0; place < shared.scan.size; place++) {
    if (!Object.hasOwn(object, shared.scan.keyAt(place))) return true
  }
  return false
}

/** @param place where the event's own object stands in `scan`; undefined where it has none */
function writeMerged(writer: LineWriter, body: ParsedBody, { own, shared, ip }: Merge, scan?: Scan, place = 0): void {
  const { bytes, text } = body
  const object = asObject(own)
  const ownScan =
    object === undefined || scan === undefined
      ? undefined
      : scanObject(bytes, { start: scan.valueStartAt(place), end: scan.valueEndAt(place), text })
  const hasLineBreaks = ownScan?.hasLineBreaks === true || shared?.scan.hasLineBreaks === true
  const copy = new ObjectCopy(writer, bytes, hasLineBreaks)
  const put = (from: Scan | undefined, isHidden: (key: string) => boolean): void => {
    for (let at = 0; from !== undefined && at < from.size; at++) {
      const key = from.keyAt(at)
      if (isHidden(key) || (key === 'ip' && ip !== undefined)) copy.drop()
      else copy.keep(from, at)
    }
    copy.flush()
  }
  put(ownScan, () => false)
  put(shared?.scan, key => object !== undefined && Object.hasOwn(object, key))
  if (ip !== undefined) copy.replace('"ip":', () => writer.ascii(`"${ip}"`))
  copy.end()
}
