import type { LimitName, Limits } from '../../model/limits.ts'
import { LIMIT_NAMES, MAX_SINGLE_BODY_BYTES, setterOf } from '../../model/limits.ts'
import { fault } from '../../model/reasons.ts'
import type { Source } from '../../model/source.ts'
import type { ParsedBody, ParseResult } from '../parse/body.ts'
import { parseBody } from '../parse/body.ts'
import type { Endpoint } from '../judge/judge.ts'

/** The limits of a source's requests: the server's own object where the source sets none. */
export type LimitsOf = (source: Source | undefined) => Limits

/**
 * A source's limits bound its requests within the server's, never beyond: what a request may cost is for whoever starts
 * the server to say. They are made once for each source of an edit.
 *
 * @param server what counts where a source sets nothing, and where it is not known yet who sends
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

/** What bounds a body: a single call's may be 32 KB to the byte, unless the limit of events is another. */
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

/** Takes a body apart once more, by limits that were not known when it came in. */
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
  // What was written over the first time cannot be seen any more.
  return parsed.ok && isRepaired ? { ok: true, body: { ...parsed.body, isRepaired } } : parsed
}
