import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Audit, AuditAction, AuditEntry } from '../../model/operations/audit.ts'

export interface AuditedRoutesOptions {
  readonly audit: Audit
  /** `admin` for anyone who knows the password. */
  readonly who: string
  /** The newest entries, oldest first. */
  readonly recent: () => readonly AuditEntry[]
  /** The masked form of a source's key. */
  readonly maskedKey?: (source: string, index: number) => string | undefined
}

interface Done {
  readonly action: AuditAction
  readonly what: string
}

const KEY = /^\/api\/sources\/([^/?]+)\/keys\/(\d+)$/
const TEST = /^\/api\/sources\/([^/?]+)\/test$/

/** Audits API requests that change or reveal something, once they are answered. Registers `GET /api/audit`, newest entry first. */
export function registerAudit(api: FastifyInstance, options: AuditedRoutesOptions): void {
  const { audit, who, recent } = options
  api.addHook('onResponse', async (request, reply) => {
    const done = reply.statusCode < 400 ? doneBy(request, options) : undefined
    if (done !== undefined) audit(done.action, { who, from: request.clientAddress, what: done.what })
  })
  api.get('/api/audit', async () => ({ entries: recent().toReversed() }))
}

function doneBy({ method, url, body }: FastifyRequest, { maskedKey }: AuditedRoutesOptions): Done | undefined {
  const path = url.split('?', 1)[0] ?? ''
  if (method === 'DELETE' && path === '/api/events') return { action: 'clear', what: 'the debugger was cleared' }
  if (path === '/api/suppressions' && method !== 'GET' && method !== 'HEAD') {
    const { users = [] } = (body ?? {}) as { users?: readonly unknown[] }
    const count = users.length === 1 ? '1 user was' : `${users.length} users were`
    return method === 'POST'
      ? { action: 'suppressed', what: `${count} suppressed` }
      : { action: 'unsuppressed', what: `${count} taken off the suppression list` }
  }
  if (method !== 'POST') return undefined
  const [, keySource, index = ''] = KEY.exec(path) ?? []
  if (keySource !== undefined) {
    const source = decodeURIComponent(keySource)
    const key = maskedKey?.(source, Number(index)) ?? `number ${Number(index) + 1}`
    return { action: 'key_shown', what: `the key ${key} of source ${source} was shown` }
  }
  const testSource = TEST.exec(path)?.[1]
  if (testSource === undefined) return undefined
  return { action: 'test_sent', what: `a test event was sent as source ${decodeURIComponent(testSource)}` }
}
