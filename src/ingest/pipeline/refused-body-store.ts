import { createHash } from 'node:crypto'
import type { Clock } from '../../model/clock.ts'
import type { Fault } from '../../model/reasons.ts'
import { createRecord, lineSuffix } from '../../model/record.ts'
import type { Sink } from '../../model/sink.ts'
import { SinkUnavailable } from '../../model/sink.ts'
import type { Source } from '../../model/source.ts'
import type { Dedupe, DedupeClaims } from '../dedupe/dedupe.ts'
import type { Endpoint } from '../judge/judge.ts'
import type { Router } from '../route/route.ts'
import { encodeAsJson, maskWriteKeys } from '../parse/encode-as-json.ts'
import { toText } from '../parse/time.ts'
import type { Governance } from '../govern/governance.ts'

/**
 * The outcomes of a refused body. `kept`; `duplicate`: it was kept before. Otherwise it is not kept. `over_limit`: its source
 * has used up refusedBytesPerHour. `failed`: it could not be stored. `withheld`: rules forbid to keep payloads of its source,
 * and cannot be applied to a body that is not split into events.
 */
export const BODY_OUTCOMES = ['kept', 'duplicate', 'over_limit', 'failed', 'withheld'] as const

export type BodyOutcome = (typeof BODY_OUTCOMES)[number]

/** Counts refused bodies. */
export interface BodyLedger {
  bodyRefused(source: string, outcome: BodyOutcome): void
}

/** A body that is refused as a whole, of a request whose source is known. */
export interface RefusedBody {
  /** The bytes that were read, after inflating. */
  readonly bytes: Buffer
  /** True if `bytes` is the whole body. */
  readonly isComplete: boolean
  readonly fault: Fault
  readonly endpoint: Endpoint
  /** The registered path of the request. */
  readonly path: string
  readonly source: Source
  readonly writeKey: string
  /** See IngestRequest. */
  readonly traceparent?: string | undefined
}

/** Keeps refused bodies as rejected records of the kind `body`, so that the complete events in them can be replayed. */
export interface RefusedBodyStore {
  /**
   * Resolves when the body is durable or is not kept (see BODY_OUTCOMES; an empty body is not kept either). Rejects with
   * SinkUnavailable if the body should be kept but cannot be made durable.
   */
  keep(body: RefusedBody): Promise<void>
}

export interface RefusedBodyStoreOptions {
  readonly dedupe: Dedupe
  readonly router: () => Router
  readonly sink: Sink
  readonly ledger: BodyLedger
  readonly clock: Clock
  readonly governance?: Governance
  /**
   * The most bytes that are kept for each source in an hour; each body counts 512 bytes more than its size. Default 0:
   * nothing is kept. Unused bytes accumulate for at most one hour.
   */
  readonly refusedBytesPerHour?: number
}

/** The most bytes that are kept of a body. A default batch fits, and its record fits into Kafka's default limit of 1 MiB. */
export const MAX_KEPT_BODY_BYTES = 512 * 1024

/** The approximate size of a record without its body, which counts because many small bodies could fill the disk. */
const RECORD_FRAME_BYTES = 512

const MS_PER_HOUR = 3_600_000

/** Keeps nothing if `refusedBytesPerHour` is 0. */
export function createRefusedBodyStore(options: RefusedBodyStoreOptions): RefusedBodyStore {
  const { dedupe, ledger, clock, refusedBytesPerHour = 0 } = options
  if (refusedBytesPerHour === 0) return { keep: async () => undefined }
  const takeBudget = createHourlyBudget(refusedBytesPerHour, clock)

  /** Returns the claims if the body is new; otherwise its outcome. */
  async function claim(body: RefusedBody): Promise<DedupeClaims | BodyOutcome> {
    const claims = dedupe.begin(`${body.source.id}.rejected`)
    const digest = digestOf(body)
    const known = claims.claim(digest, 0, digest.length)
    if (known === 'new') return claims
    claims.abort()
    return known === 'duplicate' || (await known) ? 'duplicate' : 'failed'
  }

  return {
    async keep(body) {
      const { bytes, source } = body
      if (bytes.length === 0) return
      if (options.governance?.of(source, {})?.mayKeep(bytes) === false) {
        return ledger.bodyRefused(source.id, 'withheld')
      }
      const claims = await claim(body)
      if (claims === 'failed') throw new SinkUnavailable('another request with the same body failed')
      if (typeof claims === 'string') return ledger.bodyRefused(source.id, claims)
      if (!takeBudget(source.id, Math.min(bytes.length, MAX_KEPT_BODY_BYTES) + RECORD_FRAME_BYTES)) {
        claims.abort()
        return ledger.bodyRefused(source.id, 'over_limit')
      }
      try {
        await options.sink.publish([recordOf(body, options)])
      } catch (error) {
        claims.abort()
        ledger.bodyRefused(source.id, 'failed')
        throw error
      }
      claims.commit()
      ledger.bodyRefused(source.id, 'kept')
    }
  }
}

/** Returns a function that takes bytes of a source's budget; false if the budget is too small. */
function createHourlyBudget(bytesPerHour: number, clock: Clock): (source: string, bytes: number) => boolean {
  const budgets = new Map<string, { bytes: number; at: number }>()
  return (source, bytes) => {
    const now = clock.monotonic()
    const { bytes: left, at } = budgets.get(source) ?? { bytes: bytesPerHour, at: now }
    const budget = Math.min(bytesPerHour, left + ((now - at) / MS_PER_HOUR) * bytesPerHour)
    const fits = bytes <= budget
    budgets.set(source, { bytes: fits ? budget - bytes : budget, at: now })
    return fits
  }
}

function digestOf({ bytes, fault, endpoint }: RefusedBody): Buffer {
  return createHash('sha256')
    .update(`${typeOf(endpoint)} ${fault.code} `)
    .update(bytes)
    .digest()
}

function typeOf(endpoint: Endpoint) {
  return endpoint.kind === 'single' ? endpoint.type : 'unknown'
}

function recordOf(body: RefusedBody, { router, clock }: RefusedBodyStoreOptions) {
  const { bytes, fault, endpoint, path, source, writeKey } = body
  const { code, pointer, message } = fault
  const receivedAt = clock.now()
  const type = typeOf(endpoint)
  const kept = bytes.subarray(0, MAX_KEPT_BODY_BYTES)
  const { json, encoding } = encodeAsJson(maskWriteKeys(kept, writeKey))
  const rest = {
    encoding,
    complete: body.isComplete && kept.length === bytes.length,
    source: source.id,
    type,
    path,
    code,
    pointer,
    message,
    receivedAt: toText(receivedAt),
    library: { name: null, version: null }
  }
  const end = lineSuffix(body.traceparent)
  const line = Buffer.from(`{"kind":"body","body":${json},${JSON.stringify(rest).slice(1, -1)}${end}\n`)
  const topics = router().rejectedTopics(source.id, type)
  return createRecord({
    kind: 'rejected',
    type,
    code,
    line,
    messageId: '',
    key: '',
    source: source.id,
    receivedAt,
    topics
  })
}
