import type { ParsedBody } from '../parse/body.ts'
import { asObject } from '../parse/body.ts'
import type { RequestFacts } from './encode.ts'
import type { BadEvent } from '../judge/judge.ts'
import { lineSuffix } from '../../model/record.ts'
import { KEY } from '../parse/known-keys.ts'
import type { LineWriter } from './line-writer.ts'
import { ObjectCopy } from './object-copy.ts'
import { encodeAsJson, maskWriteKeys } from '../parse/encode-as-json.ts'

/** A refused event that is kept as text is truncated here, because escaping can make it six times as long. */
const MAX_TEXT_CHARS = 65_536

/** Faults whose events are not safe for a consumer's JSON parser: they are kept as text. */
const AS_TEXT: ReadonlySet<string> = new Set(['invalid_json', 'too_deep', 'forbidden_key', 'duplicate_key'])

/**
 * Writes a refused event as a line: the event as received, without the write key, and its source, type, path and fault. An
 * event that is not JSON, or that could harm a parser, is written as a string.
 */
export function encodeRejected(writer: LineWriter, bad: BadEvent, facts: RequestFacts, writeKey: string): void {
  const { code, pointer, message } = bad.fault
  writer.text('{"event":')
  if (bad.withheld !== undefined) writer.text('null')
  else if (code === 'invalid_utf8')
    writer.text(spelledBytes(facts.body.bytes.subarray(bad.scan.start, bad.scan.end), writeKey))
  else if (bad.value === undefined || AS_TEXT.has(code)) {
    const text = facts.body.text(bad.scan.start, bad.scan.end).replaceAll(writeKey, '[write key]')
    writer.text(
      JSON.stringify(
        text.length > MAX_TEXT_CHARS ? `${text.slice(0, MAX_TEXT_CHARS)}... (${text.length} characters in all)` : text
      )
    )
  } else if (!bad.scan.isObject) writer.copyAsLine(facts.body.bytes, bad.scan.start, bad.scan.end)
  else {
    const copy = new ObjectCopy(writer, facts.body.bytes, bad.scan.hasLineBreaks)
    for (let place = 0; place < bad.scan.size; place++) {
      if (bad.scan.numberAt(place) === KEY.writeKey) copy.drop()
      else copy.keep(bad.scan, place)
    }
    copy.flush()
    copy.end()
  }
  const rest = {
    source: facts.source,
    type: bad.type,
    path: facts.path,
    code,
    pointer,
    message,
    receivedAt: facts.receivedAtText,
    library: libraryOf(bad.value, facts.body)
  }
  writer.text(`,${JSON.stringify(rest).slice(1, -1)}${lineSuffix(facts.traceparent)}`)
  writer.endLine()
}

/** Writes an event that is not UTF-8 with its original bytes; as text it would lose the invalid bytes. */
function spelledBytes(bytes: Buffer, writeKey: string): string {
  const { json, encoding } = encodeAsJson(maskWriteKeys(bytes.subarray(0, MAX_TEXT_CHARS), writeKey))
  return `${json},"encoding":"${encoding}"`
}

interface Library {
  readonly name: string | null
  readonly version: string | null
}

const MAX_LIBRARY_CHARS = 100

/** The SDK that sent an event, from the event's context or the batch's. */
function libraryOf(value: unknown, body: ParsedBody): Library {
  const own = asObject(asObject(value)?.['context'])?.['library']
  const library = asObject(own) ?? asObject(body.envelope.context?.value['library'])
  const text = (member: unknown): string | null =>
    typeof member === 'string' ? member.slice(0, MAX_LIBRARY_CHARS) : null
  return { name: text(library?.['name']), version: text(library?.['version']) }
}
