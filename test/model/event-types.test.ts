import t from 'tap'
import { EVENT_TYPES, isEventType } from '../../src/model/event-types.ts'

t.test('each of the six calls is an event type, and nothing else is', async t => {
  for (const type of EVENT_TYPES) t.equal(isEventType(type), true)
  for (const other of ['Track', 'tracks', '', null, undefined, 1, {}]) t.equal(isEventType(other), false)
})
