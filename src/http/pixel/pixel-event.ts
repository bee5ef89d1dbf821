import { MAX_DEPTH_LEVELS } from '../../model/limits.ts'
import type { Fault } from '../../model/reasons.ts'
import { fault } from '../../model/reasons.ts'
import type { PixelQuery } from './pixel-query.ts'
import { decode } from './pixel-query.ts'

export type PixelEvent = { readonly ok: true; readonly bytes: Buffer } | { readonly ok: false; readonly fault: Fault }

const TIMES: ReadonlySet<string> = new Set(['timestamp', 'originalTimestamp', 'sentAt'])
/** A time whose offset begins with a blank: a plus that was not escaped is decoded as a blank. */
const LOST_PLUS = /^(\S+[T ]\d\d:\d\d\S*) (\d\d:?\d\d)$/i

/** Parameters that are no part of the event. */
const NOT_OF_THE_EVENT: ReadonlySet<string> = new Set(['data', 'writeKey'])

/**
 * The event in a pixel's query, as the JSON body of a single call (Segment's Pixel Tracking API). With `data`, the event
 * is the decoded `data` (base64 or base64url, with or without padding). Otherwise it is built from the other parameters;
 * a dot in a name means a nested object. The pipeline validates the event later. Fails if `data` occurs twice or a name has
 * too many dots.
 */
export function pixelEvent(query: PixelQuery): PixelEvent {
  const { data } = query
  if (data === undefined) return fromFields(query)
  if (typeof data !== 'string') return { ok: false, fault: fault('invalid_json', '', 'data occurs twice in the query') }
  // Base64 has no percent sign, so `data` is still percent-encoded.
  const text = data.includes('%') ? (decode(data) ?? data) : data
  // A plus that was not escaped is decoded as a blank.
  return { ok: true, bytes: Buffer.from(text.replaceAll(' ', '+'), 'base64') }
}

interface Node {
  [key: string]: unknown
}

function fromFields(query: PixelQuery): PixelEvent {
  const event = makeNode()
  for (const [name, value] of Object.entries(query)) {
    if (NOT_OF_THE_EVENT.has(name)) continue
    const path = name.split('.')
    if (path.length > MAX_DEPTH_LEVELS) return { ok: false, fault: fault('too_deep') }
    put(event, path, typed(path, value))
  }
  return { ok: true, bytes: Buffer.from(JSON.stringify(event)) }
}

/** A query has only strings: turns the fields that must be booleans into booleans, and repairs the offset of a time. */
function typed([first = '', second]: readonly string[], value: unknown): unknown {
  if (TIMES.has(first) && second === undefined && typeof value === 'string') return value.replace(LOST_PLUS, '$1+$2')
  const isBoolean = first === 'integrations' || (first === 'context' && second === 'direct')
  return isBoolean && (value === 'true' || value === 'false') ? value === 'true' : value
}

/** If a name has both a value and fields of its own, the fields count. */
function put(event: Node, path: readonly string[], value: unknown): void {
  let node = event
  for (const key of path.slice(0, -1)) {
    if (!isNode(node[key])) node[key] = makeNode()
    node = node[key] as Node
  }
  const last = path.at(-1) as string
  if (!isNode(node[last])) node[last] = value
}

/** An object without a prototype: `__proto__` is an ordinary key in it, which the pipeline then refuses. */
function makeNode(): Node {
  return Object.create(null) as Node
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
