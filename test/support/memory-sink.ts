import type { OutgoingRecord } from '../../src/model/record.ts'
import { recordKey, lineOf, messageIdOf } from '../../src/model/record.ts'
import type { Sink } from '../../src/model/sink.ts'

/** A published record, with its texts as strings. */
export interface PublishedRecord extends Pick<
  OutgoingRecord,
  'kind' | 'type' | 'code' | 'source' | 'receivedAt' | 'topics'
> {
  readonly line: Buffer
  readonly messageId: string
  readonly key: string
}

export interface MemorySink extends Sink {
  /** Every record published so far, in order. */
  readonly records: PublishedRecord[]
  /** If set, publish() rejects with it. */
  failure: Error | undefined
  /** If set, publish() waits for it first. */
  gate: Promise<void> | undefined
}

/** Keeps records in memory: for tests of the parts before a sink. */
export function createMemorySink(): MemorySink {
  return {
    records: [],
    failure: undefined,
    gate: undefined,
    async publish(records) {
      await this.gate
      if (this.failure !== undefined) throw this.failure
      this.records.push(...records.map(toPublished))
      return { marks: [], read: () => [{ store: 'memory' }], released: false }
    },
    health: () => ({ ready: true, problems: [] }),
    close: async () => undefined
  }
}

function toPublished(record: OutgoingRecord): PublishedRecord {
  const { kind, type, code, source, receivedAt, topics } = record
  const texts = { line: lineOf(record), messageId: messageIdOf(record), key: recordKey(record) }
  return { kind, type, code, source, receivedAt, topics, ...texts }
}
