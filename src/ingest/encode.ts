import { randomUUID } from 'node:crypto'
import type { JsonObject, ParsedBody, SharedObject } from './body.ts'
import { findMember } from './body.ts'
import { ipToFill } from './ip.ts'
import type { BadEvent, GoodEvent } from './judge.ts'
import type { LineWriter } from './line-writer.ts'
import type { Member, ObjectScan } from './scan.ts'
import { Scanner } from './scan.ts'
import { correctSkew, toInstant, toText } from './time.ts'

const OPEN_BRACE = 0x7b
const COMMA = 0x2c

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
  const out = new ObjectCopy(writer, bytes, scan)
  const ip = ipToFill(asObject(value['context']), envelope.context?.value, facts.address)
  const context: Merge = { own: value['context'], shared: envelope.context, ip }
  const integrations: Merge = { own: value['integrations'], shared: envelope.integrations, ip: undefined }
  for (const member of scan.members) {
    if (isReplaced(member.key, event, facts)) out.drop()
    else if (member.key === 'context' && changesAnything(context)) {
      out.replace('"context":', () => writeMerged(writer, bytes, context, member))
    } else if (member.key === 'integrations' && changesAnything(integrations)) {
      out.replace('"integrations":', () => writeMerged(writer, bytes, integrations, member))
    } else out.keep(member)
  }
  out.flush()
  if (context.shared !== undefined && !Object.hasOwn(value, 'context')) {
    out.replace('"context":', () => writeMerged(writer, bytes, context))
  }
  if (integrations.shared !== undefined && !Object.hasOwn(value, 'integrations')) {
    out.replace('"integrations":', () => writeMerged(writer, bytes, integrations))
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
  const { valueStart, valueEnd } = findMember(scan, given) as Member
  const json = facts.body.text(valueStart, valueEnd)
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
  return object === undefined || shared.members.some(({ key }) => !Object.hasOwn(object, key))
}

/** @param member where the event's own object stands in `bytes`; undefined where it has none */
function writeMerged(writer: LineWriter, bytes: Buffer, { own, shared, ip }: Merge, member?: Member): void {
  const object = asObject(own)
  let separator = ''
  const put = (from: Buffer, { key, start, valueEnd }: Member): void => {
    if (key === 'ip' && ip !== undefined) return
    writer.text(separator)
    writer.copyAsLine(from, start, valueEnd)
    separator = ','
  }
  writer.text('{')
  if (object !== undefined && member !== undefined) {
    for (const each of new Scanner(bytes, member.valueStart, member.valueEnd).wholeObject().members) put(bytes, each)
  }
  if (shared !== undefined) {
    for (const each of shared.members)
      if (object === undefined || !Object.hasOwn(object, each.key)) put(shared.bytes, each)
  }
  writer.text(ip === undefined ? '}' : `${separator}"ip":"${ip}"}`)
}

/** Copies an object's members in runs as long as possible, dropping or replacing some, and keeps the commas right. */
class ObjectCopy {
  readonly #writer: LineWriter
  readonly #bytes: Buffer
  readonly #asLine: boolean
  #runStart = -1
  #runEnd = -1
  isEmpty = true

  constructor(writer: LineWriter, bytes: Buffer, scan: ObjectScan) {
    this.#writer = writer
    this.#bytes = bytes
    this.#asLine = scan.hasLineBreaks
    writer.byte(OPEN_BRACE)
  }

  keep(member: Member): void {
    if (this.#runStart < 0) this.#runStart = member.start
    this.#runEnd = member.valueEnd
  }

  drop(): void {
    this.flush()
  }

  replace(key: string, writeValue: () => void): void {
    this.flush()
    this.#separate()
    this.#writer.ascii(key)
    writeValue()
  }

  flush(): void {
    if (this.#runStart < 0) return
    this.#separate()
    if (this.#asLine) this.#writer.copyAsLine(this.#bytes, this.#runStart, this.#runEnd)
    else this.#writer.copy(this.#bytes, this.#runStart, this.#runEnd)
    this.#runStart = -1
  }

  #separate(): void {
    if (!this.isEmpty) this.#writer.byte(COMMA)
    this.isEmpty = false
  }
}

/** Above this a refused event that has to be kept as text is cut: it could grow sixfold when escaped. */
const MAX_TEXT_CHARS = 65_536

/** Faults whose events are not safe to hand to a consumer's JSON parser: they travel as text. */
const AS_TEXT: ReadonlySet<string> = new Set(['invalid_json', 'too_deep', 'forbidden_key', 'duplicate_key'])

/**
 * Writes a refused event as a line: as it was received, but for the write key, and why it was refused. What is not
 * JSON, or would hurt a parser, is kept as a string.
 */
export function encodeRejected(writer: LineWriter, bad: BadEvent, facts: RequestFacts, writeKey: string): void {
  const { code, pointer, message } = bad.fault
  writer.text('{"event":')
  if (bad.value === undefined || AS_TEXT.has(code)) {
    const text = facts.body.text(bad.scan.start, bad.scan.end).replaceAll(writeKey, '[write key]')
    writer.text(
      JSON.stringify(
        text.length > MAX_TEXT_CHARS ? `${text.slice(0, MAX_TEXT_CHARS)}... (${text.length} characters in all)` : text
      )
    )
  } else if (bad.scan.members === undefined) writer.copyAsLine(facts.body.bytes, bad.scan.start, bad.scan.end)
  else {
    const copy = new ObjectCopy(writer, facts.body.bytes, bad.scan)
    for (const member of bad.scan.members) {
      if (member.key === 'writeKey') copy.drop()
      else copy.keep(member)
    }
    copy.flush()
    writer.text('}')
  }
  const rest = {
    source: facts.source,
    code,
    pointer,
    message,
    receivedAt: facts.receivedAtText,
    library: libraryOf(bad.value, facts.body)
  }
  writer.text(`,${JSON.stringify(rest).slice(1)}`)
  writer.endLine()
}

export interface Library {
  readonly name: string | null
  readonly version: string | null
}

const MAX_LIBRARY_CHARS = 100

/** The SDK that sent an event, by its own or the batch's context. */
function libraryOf(value: unknown, body: ParsedBody): Library {
  const own = asObject(asObject(value)?.['context'])?.['library']
  const library = asObject(own) ?? asObject(body.envelope.context?.value['library'])
  const text = (member: unknown): string | null =>
    typeof member === 'string' ? member.slice(0, MAX_LIBRARY_CHARS) : null
  return { name: text(library?.['name']), version: text(library?.['version']) }
}

function asObject(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined
}
