import type { LaneEntry, Lane } from '../../lanes/lane.ts'
import type { RecordHeader } from '../../../model/record.ts'
import { BATCH_HEAD_BYTES, createRecordEncoder, DELTA_SLACK_BYTES, type KafkaRecord } from '../encode/message.ts'

/** The lane's first records that a request takes, and their size in it. */
export interface Portion {
  readonly records: readonly KafkaRecord[]
  readonly bytes: number
  /** The size of the first record, where the topic does not accept one so large. */
  readonly tooLarge?: number
}

/** What a lane may put into a request. Sizes are in bytes. */
export interface Room {
  /** What the request still accepts. */
  readonly left: number
  /** The part of it for this lane. */
  readonly share: number
  /** Whether the request is empty. */
  readonly isFirst: boolean
  /** What the topic accepts in one batch. */
  readonly maxBytes: number
  readonly isTimeless: boolean
}

const NOTHING: Portion = { records: [], bytes: 0 }

/** Decides how many records of a lane a request takes. */
export class BatchSizer {
  readonly #encode: ReturnType<typeof createRecordEncoder>

  constructor(headers: readonly RecordHeader[]) {
    this.#encode = createRecordEncoder(headers)
  }

  /**
   * A batch that is sent again is sent whole or not at all. Of new records, as many as the topic and the lane's share
   * of the request accept; at least one if it fits into the request, or if the request is empty.
   */
  portion(lane: Lane, to: Room): Portion {
    const { left, share, isFirst, maxBytes, isTimeless } = to
    const isAgain = lane.batch !== undefined
    const most = lane.batch?.count ?? lane.length
    const limit = isAgain ? left : Math.min(left, maxBytes)
    const records: KafkaRecord[] = []
    let bytes = 0
    while (records.length < most) {
      const record = this.#recordOf(lane.at(records.length) as LaneEntry, isTimeless)
      if (records.length === 0 && !isAgain && record.bytes > maxBytes) return { ...NOTHING, tooLarge: record.bytes }
      const size = record.bytes + DELTA_SLACK_BYTES - (records.length > 0 ? BATCH_HEAD_BYTES : 0)
      const room = records.length > 0 ? Math.min(limit, share) : isFirst ? Infinity : limit
      if (!isAgain && bytes + size > room) break
      bytes += size
      records.push(record)
    }
    return isAgain && bytes > limit && !isFirst ? NOTHING : { records, bytes }
  }

  #recordOf({ record }: LaneEntry, isTimeless: boolean): KafkaRecord {
    const made = this.#encode(record)
    return isTimeless ? made.withoutTime() : made
  }
}
