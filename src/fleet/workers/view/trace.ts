import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { PlacedEvent, PlacedRecord, StoredPlace } from '../../../model/search/stored-search.ts'
import { searchStored, spooledSince } from '../../../model/search/stored-search.ts'
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
 * `GET /api/trace/{messageId}` over all workers: first in the memory of each, then as searchStored(): in the log of each, in Kafka, which
 * one worker searches for all, and in the archive, which the first worker has.
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
      const { answers, records, looks } = await search(request, slots)
      const values = answers.flatMap(({ values }) => values)
      const silent = [...new Map(answers.flatMap(({ silent }) => silent.map(one => [one.worker, one]))).values()]
      const refusal = answers.find(({ refusal }) => refusal !== undefined)?.refusal
      return await answer(reply, { values, silent, refusal }, () => ({
        messageId: values[0]?.['messageId'],
        events: values.flatMap(({ events }) => events as Json[]),
        records,
        looks,
        omitted: values.reduce((sum, { omitted }) => sum + Number(omitted), 0)
      }))
    } finally {
      searching--
    }
  })
}

/** Asks the workers: the answers for each place that was searched. */
async function search(request: FastifyRequest, slots: readonly Slot[]) {
  const [path = ''] = request.url.split('?', 1)
  const looks: Json[] = []
  const places = request.headers[PLACES_HEADER]
  const isWanted = (name: string): boolean => typeof places !== 'string' || places.split(',').includes(name)
  const memory = await look('memory', isWanted('memory') ? slots : [], { path, looks })
  // A worker that has not answered for its memory is not asked again.
  const live = slots.filter(({ index }) => !memory.silent.some(({ worker }) => worker === index))
  const answers = [memory]
  const lookIn = async (place: StoredPlace, since: number | undefined): Promise<readonly PlacedRecord[]> => {
    if (!isWanted(place)) return []
    const found = await look(place, place === 'kafka' ? live.slice(0, 1) : live, { path, looks, since })
    answers.push(found)
    return found.values.flatMap(({ records }) => records as PlacedRecord[])
  }
  const events = memory.values.flatMap(({ events }) => events as PlacedEvent[])
  const spooled = places === undefined ? spooledSince(events) : undefined
  const isOver = memory.refusal !== undefined || (events.length > 0 && spooled === undefined)
  const { since } = request.query as { since?: string }
  const from = spooled ?? (since === undefined ? undefined : Number(since))
  return { answers, records: isOver ? [] : await searchStored(lookIn, from), looks }
}

async function look(
  place: 'memory' | StoredPlace,
  slots: readonly Slot[],
  { path, looks, since }: { readonly path: string; readonly looks: Json[]; readonly since?: number | undefined }
): Promise<Answers> {
  const url = `${path}?in=${place}${since === undefined ? '' : `&since=${since}`}`
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
