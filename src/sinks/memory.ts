import type { OutgoingRecord } from '../model/record.ts'
import type { Sink } from '../model/sink.ts'

export interface MemorySink extends Sink {
  /** Every record published so far, in order. */
  readonly records: OutgoingRecord[]
  /** When set, publish() rejects with it. */
  failure: Error | undefined
  /** When set, publish() waits for it first. */
  gate: Promise<void> | undefined
}

/** Keeps records in memory: for tests of what stands before a sink. */
export function createMemorySink(): MemorySink {
  return {
    records: [],
    failure: undefined,
    gate: undefined,
    async publish(records) {
      await this.gate
      if (this.failure !== undefined) throw this.failure
      this.records.push(...records)
      return { places: () => [{ store: 'memory' }] }
    },
    health: () => ({ ready: true, problems: [] }),
    close: async () => undefined
  }
}
