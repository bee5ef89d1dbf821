import type { LaneEntry, Lane } from '../../lanes/lane.ts'
import type { RecordHeader } from '../../../model/record.ts'
import { createRecordEncoder, DELTA_SLACK_BYTES, type KafkaRecord } from '../encode/message.ts'

/** The lane's first records that a request takes, and their size in it. */
export interface Portion {
  readonly records: readonly KafkaRecord[]
  readonly bytes: number
  /** The size of the first record, where the topic does not accept one so large. */
  readonly tooLarge?: number
}

export const NOTHING: Portion = { records: [], bytes: 0 }

/** Decides how many records of a lane a request takes. */
export class BatchSizer {
  readonly #encode: ReturnType<typeof createRecordEncoder>

  constructor(headers: readonly RecordHeader[]) {
    this.#encode = createRecordEncoder(headers)
  }

  /**
   * A batch that is sent again is sent whole or not at all. Of new records, as many as the request and the topic
   * accept; at least one if the request is empty.
   */
  portion(
    lane: Lane,
    to: { readonly left: number; readonly isFirst: boolean; readonly maxBytes: number; readonly isTimeless: boolean }
  ): Portion {
    const { left, isFirst, maxBytes, isTimeless } = to
    const isAgain = lane.batch !== undefined
    const most = lane.batch?.count ?? lane.length
    const limit = isAgain ? left : Math.min(left, maxBytes)
    const records: KafkaRecord[] = []
    let bytes = 0
    while (records.length < most) {
      const record = this.#recordOf(lane.at(records.length) as LaneEntry, isTimeless)
      if (records.length === 0 && !isAgain && record.bytes > maxBytes) return { ...NOTHING, tooLarge: record.bytes }
      const size = record.bytes + DELTA_SLACK_BYTES
      if (!isAgain && bytes + size > limit && !(isFirst && records.length === 0)) break
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
