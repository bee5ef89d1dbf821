import type { FastifyInstance, FastifyRequest } from 'fastify'
import { isSpooled, type Placement } from '../../../model/sink.ts'
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
 * which one worker searches for all, then in the archive, which the first worker has. The search ends where the event is found; a
 * spooled event is then looked for in Kafka, else on disk.
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
      const { values, records, silent, refusal, looks } = await search(request, slots)
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

/** Asks the workers, one place after the other. */
async function search(request: FastifyRequest, slots: readonly Slot[]) {
  const [path = ''] = request.url.split('?', 1)
  const looks: Json[] = []
  const memory = await look('memory', slots, { path, looks })
  // A worker that has not answered for its memory is not asked again.
  const live = slots.filter(({ index }) => !memory.silent.some(({ worker }) => worker === index))
  const wanted = request.headers[PLACES_HEADER]
  const isWanted = (name: PlaceName): boolean => typeof wanted !== 'string' || wanted.split(',').includes(name)
  const isKnown = !isEmpty(memory)
  let found: Answers = { ...memory, values: [] }
  for (const place of placesAfter(memory).filter(isWanted)) {
    found = await look(place, place === 'kafka' ? live.slice(0, 1) : live, { path, looks })
    if (isKnown ? recordsOf(found).length > 0 : !isEmpty(found)) break
  }
  return {
    values: isKnown || found.values.length === 0 ? memory.values : found.values,
    records: recordsOf(found),
    silent: [...new Set([...memory.silent, ...found.silent])],
    refusal: isKnown ? memory.refusal : (found.refusal ?? memory.refusal),
    looks
  }
}

const recordsOf = ({ values }: Answers): Json[] => values.flatMap(({ records }) => records as Json[])

/** The places to search after the memory of all workers, in order. */
function placesAfter(memory: Answers): readonly PlaceName[] {
  if (isEmpty(memory)) return ['log', 'kafka', 'archive']
  const events = memory.values.flatMap(({ events }) => events as { places: Placement[] }[])
  return events.some(({ places }) => isSpooled(places)) ? ['kafka', 'log'] : []
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
