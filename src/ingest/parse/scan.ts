import type { TextOf } from './body-text.ts'
import { KEYS } from './known-keys.ts'
import type { EnvelopeScan } from './scan-result.ts'
import { Scan } from './scan-result.ts'
import type { WalkResult } from './walker.ts'
import { HEAD, HEAD_INTS, walkEnvelope, walkObject } from './walker.ts'

/** The bytes are not JSON; `position` is where the walk noticed the error. */
export class ScanError extends Error {
  readonly position: number

  constructor(position: number) {
    super(`not JSON at byte ${position}`)
    this.position = position
  }
}

export interface ScanOptions {
  /** The range of bytes to scan; default: all. */
  readonly start?: number
  readonly end?: number
  /** Decodes the text of keys; default: from the bytes. */
  readonly text?: TextOf
  /** The object is an event, whose values get ids and shapes; default: false. */
  readonly isEvent?: boolean
}

const NOT_JSON = 1
const OVER_LIMIT = 2

/**
 * Scans the object that the range consists of: where each member begins and ends, how deep it nests, and whether a key needs
 * a check. Records are later spliced from these spans, so that a payload is published with the client's bytes.
 *
 * The scan accepts every object that JSON.parse accepts. It also accepts bytes that only have the braces and quotes of an
 * object; such a scan is not `sound`. Throws ScanError for all other bytes.
 */
export function scanObject(bytes: Buffer, options: ScanOptions = {}): Scan {
  const { start = 0, end = bytes.length, text = utf8Of(bytes), isEvent = false } = options
  const result = walkObject(bytes, { start, end, isEvent })
  if (headOf(result, HEAD.status) === NOT_JSON) throw new ScanError(headOf(result, HEAD.failedAt))
  return new Scan(result, result.head + HEAD_INTS, text)
}

/**
 * Scans the body of a batch and the elements of its `batch`. Returns undefined if there are more than `limit` elements;
 * reading then stops there. An element that is not JSON ends at its closing brace, or before the next comma, so that it does
 * not affect the other elements. Throws ScanError if the body is invalid outside its elements.
 */
export function scanEnvelope(
  bytes: Buffer,
  limit: number,
  options: Pick<ScanOptions, 'start' | 'text'> = {}
): EnvelopeScan | undefined {
  const { start = 0, text = utf8Of(bytes) } = options
  const result = walkEnvelope(bytes, start, limit)
  const status = headOf(result, HEAD.status)
  if (status === NOT_JSON) throw new ScanError(headOf(result, HEAD.failedAt))
  if (status === OVER_LIMIT) return undefined
  const count = headOf(result, HEAD.elements)
  const repeated = headOf(result, HEAD.repeatedKey)
  return {
    whole: new Scan(result, result.head + headOf(result, HEAD.whole), text),
    elements: count < 0 ? undefined : readElements(result, count, text),
    repeatedKey: repeated < 0 ? undefined : KEYS[repeated]
  }
}

function headOf({ ints, head }: WalkResult, what: number): number {
  return ints[head + what] as number
}

function readElements(result: WalkResult, count: number, text: TextOf): Scan[] {
  const elements: Scan[] = []
  for (let i = 0, at = result.head + HEAD_INTS; i < count; i++) {
    const element = new Scan(result, at, text)
    elements.push(element)
    at = element.next
  }
  return elements
}

function utf8Of(bytes: Buffer): TextOf {
  return (start, end) => bytes.toString('utf8', start, end)
}
