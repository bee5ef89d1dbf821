import type { FastifyInstance } from 'fastify'
import type { ViolationCount } from '../../model/plans/violation.ts'

export interface ViolationsView {
  list(): readonly ViolationCount[]
  /** How many were not noted because too many kinds are known. */
  readonly dropped: number
}

/** `GET /api/violations?source=ID`: what differs from tracking plans since the start, the most frequent first. */
export function registerViolations(app: FastifyInstance, violations: ViolationsView): void {
  app.get('/api/violations', async request => {
    const { source } = request.query as { source?: unknown }
    const all = violations.list()
    return {
      violations: typeof source === 'string' ? all.filter(one => one.source === source) : all,
      dropped: violations.dropped
    }
  })
}
