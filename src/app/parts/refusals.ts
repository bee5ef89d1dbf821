import type { FastifyRequest } from 'fastify'
import type { OnRefused, RefusalDetail } from '../../http/caller/refusal.ts'
import { pathLabel } from '../../http/server/unrouted.ts'
import { maskWriteKey } from '../../keys/write-key.ts'
import type { ErrorCode } from '../../model/errors.ts'
import { ERRORS } from '../../model/errors.ts'
import type { ReasonCode } from '../../model/reasons.ts'
import { REASONS } from '../../model/reasons.ts'
import type { Base } from './base.ts'
import type { Ingestion } from './ingestion.ts'

const MAX_SHOWN_ORIGINS = 5
const MAX_ORIGIN_CHARS = 100

/** Returns the function that counts a refused request and shows it in the debugger, with what decided, and without a whole key. */
export function createRefusals({ metrics, seen }: Base, { governance }: Ingestion): OnRefused {
  return (code, request, detail = {}) => {
    metrics.requestRefused(code)
    if (request === undefined) return
    const source = detail.source ?? request.caller?.source
    seen.requestRefused({
      code,
      // The path that the client sent may contain the key.
      path: pathLabel(request),
      address: governance.keptAddress(source, request.clientAddress),
      client: request.headers['user-agent'] ?? '',
      origin: request.headers.origin ?? '',
      source: source?.id ?? '',
      key: detail.key === undefined ? '' : maskWriteKey(detail.key),
      message: sentenceOf(code, request, detail)
    })
  }
}

function sentenceOf(code: string, { headers }: FastifyRequest, { source, message }: RefusalDetail): string {
  if (code === 'origin_not_allowed' && source?.allowedOrigins !== undefined) {
    const { id, allowedOrigins } = source
    const others = allowedOrigins.length > MAX_SHOWN_ORIGINS ? ', ...' : ''
    const allowed = `${allowedOrigins.slice(0, MAX_SHOWN_ORIGINS).join(', ')}${others}`
    const origin = headers.origin?.slice(0, MAX_ORIGIN_CHARS)
    return `The page's origin ${origin} is not in allowedOrigins of ${id} (${allowed})`
  }
  return message ?? REASONS[code as ReasonCode] ?? ERRORS[code as ErrorCode]?.message ?? ''
}
