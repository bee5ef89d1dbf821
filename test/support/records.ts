import type { OutgoingRecord } from '../../src/model/record.ts'
import { createRecord } from '../../src/model/record.ts'
import type { PublishedRecord } from './memory-sink.ts'

/** A record with its texts as strings, to compare it with the result. */
export type TestRecord = OutgoingRecord & PublishedRecord

/** A track call from `web`, changed by `parts`. */
export function testRecord(parts: Partial<PublishedRecord> & { readonly line: Buffer }): TestRecord {
  const event = { kind: 'event', type: 'track', code: undefined, source: 'web', receivedAt: 0 } as const
  const all = { ...event, messageId: '', key: '', topics: [], ...parts }
  return { ...createRecord(all), ...all }
}
