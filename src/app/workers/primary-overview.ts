import type { FastifyInstance } from 'fastify'
import { adviceFor, diskView } from '../../debugger/api/advice.ts'
import { createAnswerPart, withTexts } from '../../debugger/ring/answer.ts'
import { INTERVAL_MS } from '../../debugger/ring/history.ts'
import type { Point } from '../../debugger/ring/history.ts'
import { integerOf, queryOf } from '../../debugger/query.ts'
import { healthOfAll } from '../../fleet/workers/health.ts'
import type { RequestAnswer } from '../../fleet/workers/messages.ts'
import type { Slot } from '../../fleet/workers/slot.ts'
import type { Supervisor } from '../../fleet/workers/supervisor.ts'
import type { DiskWatch } from '../parts/disk.ts'
import type { Json } from '../../fleet/workers/view/ask-all.ts'
import { askOne, gather } from '../../fleet/workers/view/ask-all.ts'
import { mergePoints, mergeState } from '../../fleet/workers/view/merge.ts'
import { answer } from '../../fleet/workers/view/answer.ts'

/** Advice is based on the points of this time. */
const ADVICE_MS = 5 * 60 * 1000
/** The most answers that are read of one worker, which splits many points over several answers. */
const MAX_PARTS = 20

export interface MergedOverviewOptions {
  readonly supervisor: Supervisor
  readonly destination: string
  readonly version: string
  readonly hasPassword: boolean
  readonly disk: DiskWatch
  /** SPOOL_MAX_BYTES. */
  readonly spoolMaxBytes: number
  /** See readBacklogOnDisk(). */
  readonly backlogOnDisk: (except: ReadonlySet<number>) => Promise<ReadonlyMap<number, number>>
}

/** Registers `GET /api/overview` for all workers: the last hour, and the problems now. */
export function registerMergedOverview(app: FastifyInstance, options: MergedOverviewOptions): void {
  const { supervisor, disk, spoolMaxBytes, backlogOnDisk, ...facts } = options
  const { slots } = supervisor

  app.get('/api/overview', async (request, reply) => {
    const query = queryOf(request, ['since'])
    const since = integerOf(query, 'since', { least: 0, most: Number.MAX_SAFE_INTEGER, otherwise: 0 })
    const now = Date.now()
    const from = Math.max(0, Math.min(since, now - ADVICE_MS))
    const asked = await gather(slots, slot => wholeOverview(slot, from))
    if (asked.values.length === 0 || asked.refusal !== undefined) return answer(reply, asked, () => ({}))
    const all = asked.values.flatMap(value => value['points'] as Json[])
    const points = mergePoints(all, { intervalMs: INTERVAL_MS, now }) as unknown as Point[]
    const health = healthOfAll(slots)
    const silent = new Set(asked.silent.map(({ worker }) => worker))
    const answered = new Set(slots.map(({ index }) => index).filter(index => !silent.has(index)))
    const { dedupe, memory, archive, ...said } = mergeState(asked.values)
    const backlog = said.backlog && {
      bytes: [...(await backlogOnDisk(answered)).values()].reduce((sum, bytes) => sum + bytes, said.backlog.bytes),
      maxBytes: spoolMaxBytes
    }
    const probe = { health, draining: supervisor.isStopping, backlog, dedupe, disk: disk.reading(), archive }
    const part = createAnswerPart()
    let next: number | null = null
    let last: number | null = null
    for (const point of points) {
      if (point.at <= since) continue
      if (!part.add(point)) {
        next = last
        break
      }
      last = point.at
    }
    const state = {
      ready: health.ready && !probe.draining,
      problems: health.problems,
      backlog: backlog ?? null,
      dedupe,
      disk: diskView(probe.disk),
      archive: archive ?? null
    }
    const advice = adviceFor(probe, points, now)
    const rest = { next, intervalMs: INTERVAL_MS, advice, state, ...facts, memory, silent: asked.silent }
    return reply.type('application/json; charset=utf-8').send(withTexts('points', part.texts, rest))
  })
}

/** The overview of one worker with all points, including those that did not fit into one answer. */
async function wholeOverview(slot: Slot, since: number): Promise<RequestAnswer> {
  const points: Json[] = []
  let from: number | null = since
  for (let part = 0; ; part++) {
    const answer: RequestAnswer = await askOne(slot, { method: 'GET', url: `/api/overview?since=${from}` })
    if (answer.status !== 200) return answer
    const value = answer.value as Json
    points.push(...(value['points'] as Json[]))
    from = value['next'] as number | null
    if (from === null || part === MAX_PARTS) return { ...answer, value: { ...value, points } }
  }
}
