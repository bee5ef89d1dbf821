import { SinkUnavailable } from '../../model/sink.ts'
import { deliver, type Delivery } from './deliver.ts'
import type { Pace } from './pace.ts'
import type { TopicBook } from './topics.ts'

export interface Pump extends Delivery {
  readonly book: TopicBook
  /** Waited for before each request. */
  readonly pace: Pace
}

/**
 * Sends what waits, one request after the other, until nothing does or the session is no longer the current one.
 * Rejects with the client's error when Kafka fails.
 */
export async function runPump(pump: Pump): Promise<void> {
  const { outbox, book } = pump
  for (;;) {
    await pump.pace()
    const names = outbox.headTopics()
    if (names === undefined || pump.abandoned()) return
    if (names.every(name => book.usable.has(name))) {
      const request = outbox.gather(book.usable)
      if (request.messages.length > 0) await deliver(request, pump)
    } else await lookUp(pump, names)
  }
}

/** Topics that turn up for the first time. What waits behind the record waits on, so that nothing overtakes it. */
async function lookUp(pump: Pump, names: readonly string[]): Promise<void> {
  const { outbox, book, session } = pump
  const unknown = names.filter(name => !book.usable.has(name))
  book.want(unknown)
  if (!unknown.some(name => book.troubles.has(name))) await book.check(session, unknown)
  const trouble = unknown.map(name => book.troubles.get(name)).find(line => line !== undefined)
  if (trouble !== undefined && !pump.abandoned()) outbox.rejectHead(new SinkUnavailable(trouble))
}
