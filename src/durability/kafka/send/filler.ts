import type { LaneEntry, Lane } from '../../lanes/lane.ts'
import type { RecordHeader } from '../../../model/record.ts'
import { createRecordEncoder, DELTA_SLACK_BYTES, type KafkaRecord } from '../encode/message.ts'

/** So many of the lane's first records go with a request, and how large they are in it. */
export interface Portion {
  readonly count: number
  readonly bytes: number
  /** The first record is larger than its topic takes: so large. */
  readonly tooLarge?: number
}

export const NOTHING: Portion = { count: 0, bytes: 0 }

/** Decides how much of a lane goes with a request. */
export class Filler {
  readonly #encode: ReturnType<typeof createRecordEncoder>

  constructor(headers: readonly RecordHeader[]) {
    this.#encode = createRecordEncoder(headers)
  }

  /**
   * A batch that goes again goes whole or not at all; of new records as many as the request and the topic take, at
   * least one where the request is empty.
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
