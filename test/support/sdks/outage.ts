import type { Sink } from '../../../src/model/sink.ts'
import { SinkUnavailable } from '../../../src/model/sink.ts'

export interface OutageSink extends Sink {
  /** The next events of the source cannot be stored. */
  failNext(source: string): void
  /** Events of the source that were stored so far. */
  stored(source: string): number
}

/** A sink that fails once for a source on request, and otherwise is the wrapped one. */
export function createOutageSink(sink: Sink): OutageSink {
  const failing = new Set<string>()
  const stored = new Map<string, number>()
  return {
    failNext: source => void failing.add(source),
    stored: source => stored.get(source) ?? 0,
    async publish(records) {
      const source = records[0]?.source ?? ''
      if (failing.delete(source)) throw new SinkUnavailable('an outage', { retryAfterSeconds: 1 })
      const receipt = await sink.publish(records)
      stored.set(source, (stored.get(source) ?? 0) + records.filter(({ kind }) => kind === 'event').length)
      return receipt
    },
    health: () => sink.health(),
    close: () => sink.close()
  }
}
