import { hash } from 'node:crypto'
import type { FleetRecord } from '../topics/reader.ts'
import type { FleetWrite } from '../topics/topics.ts'
import type { SeenBatch } from './buffer.ts'
import { ENTRY_BYTES } from './buffer.ts'

/** The two 32-bit numbers with which messageIds are hashed. */
export type Seed = readonly [number, number]

/** The messageIds of one record of the seen topic. */
export interface SeenRecord extends SeenBatch {
  /** A digest of the seed of their hashes. Only servers with the same seed can use them. */
  readonly check: string
  /** The server, the same for all of its workers. */
  readonly sender: string
}

/** 48 KiB. To process a record of this size takes a reader's event loop a few milliseconds. */
const MAX_RECORD_ENTRIES = 4_096
const KEY = /^ids\/([0-9a-f]{8})\/([0-9a-f-]{36})\/([\w-]{1,200}(?:\.rejected)?)$/

export const checkOf = ([high, low]: Seed): string => hash('sha256', `${high}/${low}`, 'hex').slice(0, 8)

/** Key `ids/<check>/<sender>/<source>`, value: the entries. */
export function seenRecords(
  batches: readonly SeenBatch[],
  { check, sender }: Pick<SeenRecord, 'check' | 'sender'>
): FleetWrite[] {
  const step = MAX_RECORD_ENTRIES * ENTRY_BYTES
  return batches.flatMap(({ name, entries }) => {
    const whole = Buffer.from(entries.buffer, entries.byteOffset, entries.length)
    return Array.from({ length: Math.ceil(whole.length / step) }, (_, at) => ({
      key: `ids/${check}/${sender}/${name}`,
      value: whole.subarray(at * step, (at + 1) * step)
    }))
  })
}

/** Parses a record; undefined for one of another kind, which another version of the server may write. */
export function readSeenRecord({ key, value }: Pick<FleetRecord, 'key' | 'value'>): SeenRecord | undefined {
  const [, check, sender, name] = KEY.exec(key) ?? []
  if (check === undefined || sender === undefined || name === undefined) return undefined
  if (value === null || value.length % ENTRY_BYTES !== 0) return undefined
  return { check, sender, name, entries: value }
}
