import type { Edit } from '../../../ingest/govern/splice.ts'
import type { ParsedBody } from '../../../ingest/parse/body.ts'
import { asObject } from '../../../ingest/parse/body.ts'
import { KEY } from '../../../ingest/parse/known-keys.ts'
import { scanObject } from '../../../ingest/parse/scan.ts'
import type { Scan } from '../../../ingest/parse/scan-result.ts'
import { KIND } from '../../../ingest/parse/scan-result.ts'
import type { Enforcement } from './enforcement.ts'

/** The most entries of each list in an event. */
const MAX_LISTED = 50
const MAX_NAME_CHARS = 200

/**
 * The edit that writes the result of the plan into `context.protocols`, as Segment does: sourceId, violations, omitted,
 * omitted_on_violation. What the client wrote there, such as its event_version, stays.
 */
export function protocolsEdit(body: ParsedBody, event: Scan, source: string, enforcement: Enforcement): Edit {
  const place = event.find(KEY.context)
  const insert = (at: number, text: string): Edit => ({ start: at, end: at, text })
  const shared = body.envelope.context?.value['protocols']
  if (place < 0) return insert(event.end - 1, `,"context":${contextWith(protocols(source, enforcement, shared))}`)
  const [start, end] = [event.valueStartAt(place), event.valueEndAt(place)]
  if (event.kindAt(place) !== KIND.object) {
    return { start, end, text: contextWith(protocols(source, enforcement, shared)) }
  }
  const context = scanObject(body.bytes, { start, end, text: body.text })
  const at = lastPlaceOf(context, 'protocols')
  if (at < 0) {
    const comma = context.size > 0 ? ',' : ''
    return insert(end - 1, `${comma}"protocols":${protocols(source, enforcement, shared)}`)
  }
  const [from, to] = [context.valueStartAt(at), context.valueEndAt(at)]
  const own: unknown = JSON.parse(body.text(from, to))
  return { start: from, end: to, text: protocols(source, enforcement, own) }
}

function contextWith(protocolsJson: string): string {
  return `{"protocols":${protocolsJson}}`
}

/** The last place of the key: parsers use the last one. */
function lastPlaceOf(scan: Scan, key: string): number {
  for (let place = scan.size - 1; place >= 0; place--) if (scan.keyAt(place) === key) return place
  return -1
}

function protocols(sourceId: string, enforcement: Enforcement, given: unknown): string {
  const { reported, omitted, omittedOnViolation } = enforcement
  const violations = reported.slice(0, MAX_LISTED).map(({ type, field, description }) => ({
    type,
    field: field.slice(0, MAX_NAME_CHARS),
    description
  }))
  return JSON.stringify({
    ...asObject(given),
    sourceId,
    violations,
    ...(omitted.length === 0 ? {} : { omitted: namesOf(omitted) }),
    ...(omittedOnViolation.length === 0 ? {} : { omitted_on_violation: namesOf(omittedOnViolation) })
  })
}

/** Paths below `properties` or `traits`, with dots. A direct member has only its name, as in Segment's events. */
function namesOf(paths: Enforcement['omitted']): string[] {
  const names = paths.map(([top, ...steps]) => (top === 'context' ? [top, ...steps] : steps).join('.'))
  return [...new Set(names)].slice(0, MAX_LISTED).map(name => name.slice(0, MAX_NAME_CHARS))
}
