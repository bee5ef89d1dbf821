import type { FastifyInstance } from 'fastify'
import type { Slot } from '../slot.ts'
import type { Answers, Json } from './ask-all.ts'
import { askAll } from './ask-all.ts'
import { answer } from './answer.ts'

/** A worker limits its own search of one place; this limit is a little longer. */
const SEARCH_MS = 6_000
const MAX_SEARCHING = 8
/** From another server of the fleet: the places that are to be searched. */
const PLACES_HEADER = 'x-tributary-places'

/**
 * `GET /api/trace/{messageId}` over all workers: first in the memory of each, then in the log of each, then in Kafka,
 * which one worker searches for all, then in the archive, which the first worker has.
 */
export function registerTrace(app: FastifyInstance, slots: readonly Slot[]): void {
  let searching = 0
  app.get('/api/trace/:messageId', async (request, reply) => {
    if (searching >= MAX_SEARCHING) {
      reply.code(503).header('retry-after', '1')
      return reply.send({ success: false, message: 'too many searches are under way', code: 'too_many_searching' })
    }
    searching++
    try {
      const [path = ''] = request.url.split('?', 1)
      const looks: Json[] = []
      const memory = await look('memory', slots, { path, looks })
      // A worker that has not answered for its memory is not asked again.
      const live = slots.filter(({ index }) => !memory.silent.some(({ worker }) => worker === index))
      let found = memory
      const places = request.headers[PLACES_HEADER]
      const isWanted = (name: PlaceName): boolean => typeof places !== 'string' || places.split(',').includes(name)
      if (isEmpty(found) && isWanted('log')) found = await look('log', live, { path, looks })
      if (isEmpty(found) && isWanted('kafka')) found = await look('kafka', live.slice(0, 1), { path, looks })
      if (isEmpty(found) && isWanted('archive')) found = await look('archive', live, { path, looks })
      const silent = [...new Set([...memory.silent, ...found.silent])]
      const values = found.values.length > 0 ? found.values : memory.values
      return await answer(reply, { values, silent, refusal: found.refusal ?? memory.refusal }, () => ({
        messageId: values[0]?.['messageId'],
        events: values.flatMap(({ events }) => events as Json[]),
        records: values.flatMap(({ records }) => records as Json[]),
        looks,
        omitted: values.reduce((sum, { omitted }) => sum + Number(omitted), 0)
      }))
    } finally {
      searching--
    }
  })
}

type PlaceName = 'memory' | 'log' | 'kafka' | 'archive'

async function look(
  place: PlaceName,
  slots: readonly Slot[],
  { path, looks }: { readonly path: string; readonly looks: Json[] }
): Promise<Answers> {
  const url = `${path}?in=${place}`
  const asked = await (place === 'memory'
    ? askAll(slots, { method: 'GET', url })
    : askAll(slots, { method: 'GET', url }, SEARCH_MS))
  const said = asked.values.flatMap(({ looks }) => (looks as Json[]).filter(one => one['place'] === place))
  if (said.length === 0) return asked
  const problems = said.flatMap(({ problem }) => (typeof problem === 'string' ? [problem] : []))
  looks.push({
    place,
    ms: Math.max(...said.map(({ ms }) => Number(ms))),
    found: said.reduce((sum, { found }) => sum + Number(found), 0),
    complete: asked.silent.length === 0 && said.every(({ complete }) => complete === true),
    ...(problems.length === 0 ? {} : { problem: problems[0] })
  })
  return asked
}

function isEmpty({ values, refusal }: Answers): boolean {
  const isNothing = ({ events, records }: Json): boolean => (events as Json[]).length + (records as Json[]).length === 0
  return refusal === undefined && values.every(isNothing)
}
