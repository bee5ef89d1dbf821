import type { Test } from 'tap'
import { startLoad, type Load } from '../load.ts'
import type { ServerProcess } from '../server-process.ts'
import type { KafkaTool } from './kafka-tool.ts'

const TOPIC = 'tributary.events'

/** 100 events a second to a server. */
export function loadOf(t: Test, { url }: ServerProcess): Load {
  return startLoad(t, { url, eventsPerSecond: 100, users: 50, connections: 8 })
}

/**
 * Ends a load. Asserts that Kafka has each acknowledged event, and none twice except those whose connection was lost:
 * their client cannot know the result and sends them again.
 */
export async function assertAllThereOnce(t: Test, load: Load, to: { server: ServerProcess; tool: KafkaTool }) {
  await load.stop()
  await to.server.drained(120_000)
  const read = (await to.tool.read(TOPIC)).map(({ headers }) => headers['messageId'] ?? '')
  const again = new Set(load.acked.filter(({ tries }) => tries > 1).map(({ id }) => id))
  const seen = new Set<string>()
  const copies = read.filter(id => seen.size === seen.add(id).size)
  const lost = copies.filter(id => again.has(id)).length
  const sent = load.acked.length
  t.comment(
    `${sent} events were acknowledged and ${read.length} were read; ${copies.length} are copies, of which ${lost} come from lost answers`
  )
  t.strictSame(
    load.acked.filter(({ id }) => !seen.has(id)).map(({ id }) => id),
    [],
    'no event is missing'
  )
  t.strictSame(
    copies.filter(id => !again.has(id)),
    [],
    'no event is stored twice'
  )
  return { sent }
}
