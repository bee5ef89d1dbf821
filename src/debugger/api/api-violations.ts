import type { FastifyInstance } from 'fastify'
import type { ViolationCount } from '../../model/plans/violation.ts'

export interface ViolationsView {
  list(): readonly ViolationCount[]
  /** The number of violations that were not recorded because there were too many kinds. */
  readonly dropped: number
}

/** Registers `GET /api/violations?source=ID`: differences from tracking plans since the start, the most frequent first. */
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
