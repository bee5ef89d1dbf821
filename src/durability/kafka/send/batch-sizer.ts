import type { LaneEntry, Lane } from '../../lanes/lane.ts'
import type { RecordHeader } from '../../../model/record.ts'
import { createRecordEncoder, DELTA_SLACK_BYTES, type KafkaRecord } from '../encode/message.ts'

/** How many of the lane's first records a request takes, and their size in it. */
export interface Portion {
  readonly count: number
  readonly bytes: number
  /** The size of the first record, where the topic does not accept one so large. */
  readonly tooLarge?: number
}

export const NOTHING: Portion = { count: 0, bytes: 0 }

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
    let bytes = 0
    let count = 0
    for (; count < most; count++) {
      const value = this.#valueOf(lane.at(count) as LaneEntry, isTimeless)
      if (count === 0 && !isAgain && value.bytes > maxBytes) return { ...NOTHING, tooLarge: value.bytes }
      const size = value.bytes + DELTA_SLACK_BYTES
      if (!isAgain && bytes + size > limit && !(isFirst && count === 0)) break
      bytes += size
    }
    return isAgain && bytes > limit && !isFirst ? NOTHING : { count, bytes }
  }

  #valueOf(entry: LaneEntry, isTimeless: boolean): KafkaRecord {
    const value = (entry.value ??= this.#encode(entry.record))
    return isTimeless ? (entry.value = value.withoutTime()) : value
  }
}
