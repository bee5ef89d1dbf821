import type { LimitName, Limits } from '../../model/limits.ts'
import { LIMIT_NAMES, MAX_SINGLE_BODY_BYTES, setterOf } from '../../model/limits.ts'
import { fault } from '../../model/reasons.ts'
import type { Source } from '../../model/source.ts'
import type { ParsedBody, ParseResult } from '../parse/body.ts'
import { parseBody } from '../parse/body.ts'
import type { Endpoint } from '../judge/judge.ts'

/** Returns the limits of a source; the server's own object if the source is unknown or sets none. */
export type LimitsOf = (source: Source | undefined) => Limits

/**
 * The limits of a source can only be stricter than the server's, because the operator of the server decides what a request
 * may cost. They are computed once for each source object.
 *
 * @param server the limits of the server
 */
export function createLimitsOf(server: Limits): LimitsOf {
  const known = new WeakMap<Source, Limits>()
  return source => {
    if (source?.limits === undefined) return server
    const limits = known.get(source) ?? bounded(server, source.limits)
    known.set(source, limits)
    return limits
  }
}

function bounded(server: Limits, own: NonNullable<Source['limits']>): Limits {
  const ofSource = LIMIT_NAMES.filter(name => (own[name] ?? Infinity) < server[name])
  if (ofSource.length === 0) return server
  const values = ofSource.map(name => [name, own[name]])
  return { ...server, ...Object.fromEntries(values), ofSource: new Set(ofSource) }
}

/** The limit of a body and its name. A single call may have exactly 32 KB, unless the operator or source changed the limit. */
export function bodyLimit({ kind }: Endpoint, limits: Limits): { readonly bytes: number; readonly name: LimitName } {
  if (kind === 'batch') return { bytes: limits.maxBatchBytes, name: 'maxBatchBytes' }
  const { maxEventBytes, ofSource } = limits
  const bytes = ofSource?.has('maxEventBytes') === true ? maxEventBytes : Math.max(MAX_SINGLE_BODY_BYTES, maxEventBytes)
  return { bytes, name: 'maxEventBytes' }
}

export interface ParseWithinOptions {
  readonly endpoint: Endpoint
  readonly limits: Limits
  readonly isLenient?: boolean | undefined
}

/** Parses a body again with the limits of its source, if the source was not known at the first time. */
export function parseWithin(
  { bytes, isRepaired }: ParsedBody,
  { endpoint, limits, isLenient = false }: ParseWithinOptions
): ParseResult {
  const most = bodyLimit(endpoint, limits)
  if (bytes.length > most.bytes) {
    const why = `the body is larger than ${most.bytes} bytes (${setterOf(limits, most.name)})`
    return { ok: false, fault: fault('payload_too_large', '', why) }
  }
  const parsed = parseBody(bytes, { endpoint: endpoint.kind, limits, isLenient })
  // The first parse has overwritten the stray separators, so the second parse cannot detect them.
  return parsed.ok && isRepaired ? { ok: true, body: { ...parsed.body, isRepaired } } : parsed
}
