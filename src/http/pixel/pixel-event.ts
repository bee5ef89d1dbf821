import { MAX_DEPTH_LEVELS } from '../../model/limits.ts'
import type { Fault } from '../../model/reasons.ts'
import { fault } from '../../model/reasons.ts'
import type { PixelQuery } from './pixel-query.ts'
import { decode } from './pixel-query.ts'

export type PixelEvent = { readonly ok: true; readonly bytes: Buffer } | { readonly ok: false; readonly fault: Fault }

const TIMES: ReadonlySet<string> = new Set(['timestamp', 'originalTimestamp', 'sentAt'])
/** The blank before an offset that a plus has become which was not escaped. */
const LOST_PLUS = /^(\S+[T ]\d\d:\d\d\S*) (\d\d:?\d\d)$/i

/** Parameters of the request that are no part of its event. */
const NOT_OF_THE_EVENT: ReadonlySet<string> = new Set(['data', 'writeKey'])

/**
 * The event of a pixel's query, as the JSON that a single call would have as its body: `data` in base64 or base64url,
 * with or without padding, as it is; else the other parameters, dots meaning objects inside one another (Segment's
 * Pixel Tracking API). Whether it is valid, the pipeline judges.
 */
export function pixelEvent(query: PixelQuery): PixelEvent {
  const { data } = query
  if (data === undefined) return fromFields(query)
  if (typeof data !== 'string') return { ok: false, fault: fault('invalid_json', '', 'data occurs twice in the query') }
  // Base64 has no percent sign, whatever else stands in the query.
  const text = data.includes('%') ? (decode(data) ?? data) : data
  // A plus of base64 that was not escaped has become a blank.
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

/** A query has only strings; some fields are worth nothing unless they are booleans, and times have offsets. */
function typed([first = '', second]: readonly string[], value: unknown): unknown {
  if (TIMES.has(first) && second === undefined && typeof value === 'string') return value.replace(LOST_PLUS, '$1+$2')
  const isBoolean = first === 'integrations' || (first === 'context' && second === 'direct')
  return isBoolean && (value === 'true' || value === 'false') ? value === 'true' : value
}

/** Of a name that is given both a value and fields of its own, the fields count. */
function put(event: Node, path: readonly string[], value: unknown): void {
  let node = event
  for (const key of path.slice(0, -1)) {
    if (!isNode(node[key])) node[key] = makeNode()
    node = node[key] as Node
  }
  const last = path.at(-1) as string
  if (!isNode(node[last])) node[last] = value
}

/** Without a prototype, so that `__proto__` becomes a key like any other, for the pipeline to refuse. */
function makeNode(): Node {
  return Object.create(null) as Node
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
