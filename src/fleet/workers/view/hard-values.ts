import type { FastifyInstance } from 'fastify'
import type { Slot } from '../slot.ts'
import { answer } from './answer.ts'
import type { Json } from './ask-all.ts'
import { askAll } from './ask-all.ts'

/** `GET /api/hard-values` over all workers: the counts of each event, property and kind added up. */
export function registerHardValues(app: FastifyInstance, slots: readonly Slot[]): void {
  app.get('/api/hard-values', async (request, reply) => {
    const asked = await askAll(slots, { method: 'GET', url: request.url })
    return answer(reply, asked, () => merge(asked.values))
  })
}

function merge(answers: readonly Json[]): Json {
  const sum = (name: string, of: readonly Json[]): number => of.reduce((total, one) => total + Number(one[name]), 0)
  const groups = Map.groupBy(
    answers.flatMap(({ values }) => values as Json[]),
    ({ event, path, kind }) => JSON.stringify([event, path, kind])
  )
  const values = [...groups.values()].map(same => ({ ...same[0], count: sum('count', same) }))
  return {
    values: values.toSorted((a, b) => b.count - a.count),
    events: sum('events', answers),
    omitted: sum('omitted', answers)
  }
}
