import type { FastifyInstance } from 'fastify'
import type { Background } from '../../model/background.ts'
import type { Clock } from '../../model/clock.ts'
import { adviceFor, diskView } from './advice.ts'
import { createAnswerPart, withTexts } from '../ring/answer.ts'
import { INTERVAL_MS } from '../ring/history.ts'
import type { History, Probe } from '../ring/history.ts'
import type { Observations } from '../ring/observations.ts'
import { integerOf, queryOf } from '../query.ts'

export interface OverviewOptions {
  readonly seen: Observations
  readonly history: History
  readonly probe: () => Probe
  readonly destination: string
  readonly version: string
  readonly hasPassword: boolean
  readonly isFleet: boolean
  readonly showsFleet: (() => boolean) | undefined
  readonly clock: Clock
  readonly background: Background
}

/** Registers `GET /api/overview`: the last hour, and the problems now. */
export function registerOverview(app: FastifyInstance, options: OverviewOptions): void {
  const { seen, history, probe, clock, background } = options

  app.get('/api/overview', async (request, reply) => {
    const query = queryOf(request, ['since'])
    const since = integerOf(query, 'since', { least: 0, most: Number.MAX_SAFE_INTEGER, otherwise: 0 })
    await background.slice()
    const { texts, next } = await pointsSince(since)
    const now = probe()
    const { health, draining, backlog, dedupe, disk, archive } = now
    const rest = {
      next,
      intervalMs: INTERVAL_MS,
      advice: adviceFor(now, history.points(), clock.now()),
      state: {
        ready: health.ready && !draining,
        problems: health.problems,
        backlog: backlog ?? null,
        dedupe,
        disk: diskView(disk),
        archive: archive ?? null
      },
      destination: options.destination,
      version: options.version,
      hasPassword: options.hasPassword,
      isFleet: options.isFleet,
      showsFleet: options.showsFleet?.(),
      memory: seen.recent.usage()
    }
    return reply.type('application/json; charset=utf-8').send(withTexts('points', texts, rest))
  })

  /** The points as JSON, oldest first, as many as fit. `next` is the `since` of the next request; null if there are no more. */
  async function pointsSince(since: number): Promise<{ texts: readonly string[]; next: number | null }> {
    const part = createAnswerPart()
    let last: number | null = null
    for (const point of [...history.points()]) {
      if (point.at <= since) continue
      if (!part.add(point)) return { texts: part.texts, next: last }
      last = point.at
      if (background.isOver()) await background.slice()
    }
    return { texts: part.texts, next: null }
  }
}
